import { setTimeout as pause } from 'node:timers/promises';
import { Cluster, Redis } from 'ioredis';
import { QueueClosedError, RedisUnreachableError } from '../core/errors.js';
import { findRedis, type Address } from './address.js';
import {
  isTransient,
  RedisClient,
  clientOptions,
  nodeOptions,
  noTimeouts,
  typedServerError,
  type IoredisClient,
} from './redis-client.js';
import { portableAddress, type PortableAddress } from './portable-address.js';
import { isUnknownScript, scripts, type ScriptName } from './scripts.js';

/** Which Redis to use: a named one, one that is found (see `address.ts`), or that of a given client, which its owner keeps. */
export interface ConnectionOptions {
  readonly url?: string;
  readonly host?: string;
  readonly port?: number;
  readonly db?: number;
  readonly username?: string;
  readonly password?: string;
  readonly connection?: IoredisClient;
}

/** How long to retry while Redis is unreachable. */
export interface Patience {
  /** In ms; without limit if absent. */
  readonly withinMs?: number;
  readonly signal?: AbortSignal;
}

const longestPauseMs = 1_000;
/** After this many consecutive failures, the search for the embedded server runs again. */
const failuresPerSearch = 4;

/**
 * The connections to one Redis. All queues of the process with the same options share them. There is one Redis client for
 * commands, and one more for each waiting consumer. Nothing connects before the first call.
 */
export class Connection {
  static readonly #shared = new Map<string | IoredisClient, Connection>();

  /** The connection for these options. Call {@link leave} once for each call of this function. */
  static share(options: ConnectionOptions): Connection {
    const key = options.connection ?? JSON.stringify(options, Object.keys(options).sort());
    const connection = Connection.#shared.get(key) ?? new Connection(options, key);
    Connection.#shared.set(key, connection);
    connection.#users += 1;
    return connection;
  }

  #users = 0;
  #isClosed = false;
  #line: Promise<RedisClient> | undefined;
  /** {@link #line} after it has opened. With it, a call writes its command in the same turn of the event loop. */
  #open: RedisClient | undefined;
  #address: Address | undefined;

  private constructor(
    private readonly options: ConnectionOptions,
    private readonly key: string | IoredisClient,
  ) {}

  /** Name of the server for messages, with the password masked. */
  get label(): string {
    return this.#address?.label ?? 'the given connection';
  }

  /**
   * Sends commands, and sends them again while the connection or the server is changing its state. They must be safe to send
   * twice, as every script is.
   *
   * @param send sends the commands. `isUnknown` is true if the server does not know a script by its hash
   * @throws RedisUnreachableError if Redis is unreachable for longer than `withinMs`
   * @throws the reason of the signal if it aborts
   */
  async call<T>(
    send: (client: IoredisClient, isUnknown: boolean) => Promise<T>,
    { withinMs = Infinity, signal }: Patience = {},
  ): Promise<T> {
    const givenUpAt = Date.now() + withinMs;
    const line = this.#open ?? (await this.#commandLine());
    let isUnknown = false;
    for (let failures = 0; ; failures++) {
      signal?.throwIfAborted();
      if (this.#isClosed) throw new QueueClosedError(this.label);
      try {
        return await line.use((client) => send(client, isUnknown));
      } catch (error) {
        if (isUnknownScript(error) && !isUnknown) {
          isUnknown = true;
          continue;
        }
        if (!isTransient(error)) throw typedServerError(error, this.label);
        if (Date.now() >= givenUpAt) throw this.#unreachable(error);
        if (failures % failuresPerSearch === failuresPerSearch - 1) await this.#reviveEmbedded();
        await pause(Math.min(25 * 2 ** failures, longestPauseMs, Math.max(1, givenUpAt - Date.now())), undefined, {
          signal,
        });
      }
    }
  }

  /** Runs a script by its hash. If the server does not know it (after a restart, flush or failover), sends the text. */
  script(
    name: ScriptName,
    keys: readonly string[],
    args: readonly (string | number | Buffer)[],
    patience?: Patience,
  ): Promise<unknown> {
    const { sha, lua } = scripts[name];
    return this.call(
      (client, isUnknown) =>
        isUnknown
          ? client.eval(lua, keys.length, ...keys, ...args)
          : client.evalsha(sha, keys.length, ...keys, ...args),
      patience,
    );
  }

  /**
   * Opens another Redis client, for a caller that blocks in it. The caller closes it. A given client only provides the address:
   * with its own settings, a frozen or demoted master would block us without end.
   */
  async openClient(): Promise<RedisClient> {
    const { connection } = this.options;
    if (!connection) return this.#dial();
    return RedisClient.open((retryStrategy) =>
      connection instanceof Cluster
        ? connection.duplicate([], {
            redisOptions: { ...noTimeouts, ...nodeOptions, lazyConnect: false },
            lazyConnect: true,
            clusterRetryStrategy: retryStrategy,
          })
        : connection.duplicate({ ...noTimeouts, ...clientOptions, retryStrategy }),
    );
  }

  /** How another thread connects to the same Redis; `undefined` if that cannot be posted to it, or before the first call. */
  get portableAddress(): PortableAddress | undefined {
    const client = this.options.connection ?? this.#open?.client;
    return client && portableAddress(client);
  }

  /** Ends one use of this connection. The last one closes the client for commands. */
  async leave(): Promise<void> {
    this.#users -= 1;
    if (this.#users > 0 || this.#isClosed) return;
    this.#isClosed = true;
    Connection.#shared.delete(this.key);
    const line = await this.#line?.catch(() => undefined);
    await line?.close();
  }

  #commandLine(): Promise<RedisClient> {
    // If the search fails, the next call searches again: the server may have started since.
    this.#line ??= this.openClient().then(
      (line) => (this.#open = line),
      (error: unknown) => {
        this.#line = undefined;
        throw error;
      },
    );
    return this.#line;
  }

  async #dial(): Promise<RedisClient> {
    const { connection: _, ...named } = this.options;
    this.#address ??= await findRedis(named);
    const { replyMapping: _mapping, ...options } = this.#address.options;
    return RedisClient.open((retryStrategy) => new Redis({ ...options, ...clientOptions, retryStrategy }));
  }

  /**
   * Starts the embedded server again if it is gone: no other process would. It returns at the same address, and a native one
   * with its data.
   */
  async #reviveEmbedded(): Promise<void> {
    if (this.#address?.source !== 'embedded') return;
    const { connection: _, ...named } = this.options;
    await findRedis(named).catch(() => undefined); // the next failure reports it
  }

  #unreachable(cause: unknown): RedisUnreachableError {
    return new RedisUnreachableError(this.label, 'it answered before. Check that the server runs, then try again', {
      cause,
      mayHaveArrived: true,
    });
  }
}
