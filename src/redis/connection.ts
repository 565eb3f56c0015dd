import { setTimeout as pause } from 'node:timers/promises';
import { Cluster, Redis } from 'ioredis';
import { QueueClosedError, RedisUnreachableError } from '../contract/errors.js';
import { findRedis, type Address } from './address.js';
import { isPassing, Line, lineOptions, nodeOptions, noTimeouts, refusalOf, type Client } from './line.js';
import { isUnknownScript, scripts, type ScriptName } from './scripts.js';

/** Where the Redis is: named, or to be found (`address.ts`), or as a client has it that stays its owner's. */
export interface ConnectionOptions {
  readonly url?: string;
  readonly host?: string;
  readonly port?: number;
  readonly db?: number;
  readonly username?: string;
  readonly password?: string;
  readonly connection?: Client;
}

/** How long to go on trying while Redis is away. */
export interface Patience {
  /** Ms; for ever when absent. */
  readonly withinMs?: number;
  readonly signal?: AbortSignal;
}

const longestPauseMs = 1_000;
/** After so many failures in a row an embedded server is looked for anew. */
const failuresPerSearch = 4;

/**
 * The road to one Redis, shared by all queues of the process that name the same one: a line for commands, and one
 * more for each consumer that waits. Nothing connects before the first call.
 */
export class Connection {
  static readonly #shared = new Map<string | Client, Connection>();

  /** The connection for these options; {@link leave} it as often as it was shared. */
  static share(options: ConnectionOptions): Connection {
    const key = options.connection ?? JSON.stringify(options, Object.keys(options).sort());
    const connection = Connection.#shared.get(key) ?? new Connection(options, key);
    Connection.#shared.set(key, connection);
    connection.#users += 1;
    return connection;
  }

  #users = 0;
  #isClosed = false;
  #line: Promise<Line> | undefined;
  /** {@link #line} once it is there: what is called then is written in the same turn. */
  #open: Line | undefined;
  #address: Address | undefined;

  private constructor(
    private readonly options: ConnectionOptions,
    private readonly key: string | Client,
  ) {}

  /** What to call the server in a sentence, password masked. */
  get label(): string {
    return this.#address?.label ?? 'the given connection';
  }

  /**
   * Sends, and sends again while the connection or the server is between two states. What is sent must be safe to
   * send twice, as every script is.
   *
   * @param send told whether the server said that it does not know a script by its hash
   *
   * @throws RedisUnreachableError when patience ends; the signal's reason when it aborts
   */
  async call<T>(send: (client: Client, isUnknown: boolean) => Promise<T>, { withinMs = Infinity, signal }: Patience = {}): Promise<T> {
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
        if (!isPassing(error)) throw refusalOf(error, this.label);
        if (Date.now() >= givenUpAt) throw this.#unreachable(error);
        if (failures % failuresPerSearch === failuresPerSearch - 1) await this.#reviveEmbedded();
        await pause(Math.min(25 * 2 ** failures, longestPauseMs, Math.max(1, givenUpAt - Date.now())), undefined, { signal });
      }
    }
  }

  /** Runs a script by its hash; a server that does not know it (restarted, flushed, failed over) is sent the text. */
  script(name: ScriptName, keys: readonly string[], args: readonly (string | number | Buffer)[], patience?: Patience): Promise<unknown> {
    const { sha, lua } = scripts[name];
    return this.call((client, isUnknown) => (isUnknown ? client.eval(lua, keys.length, ...keys, ...args) : client.evalsha(sha, keys.length, ...keys, ...args)), patience);
  }

  /**
   * A line of its own for somebody who waits; closed by whoever asked for it. A client that was given only says how Redis
   * is reached: with its own settings a master that froze, or was demoted, would hold us for ever.
   */
  async openLine(): Promise<Line> {
    const { connection } = this.options;
    if (!connection) return this.#dial();
    return Line.open((retryStrategy) =>
      connection instanceof Cluster
        ? connection.duplicate([], { redisOptions: { ...noTimeouts, ...nodeOptions, lazyConnect: false }, lazyConnect: true, clusterRetryStrategy: retryStrategy })
        : connection.duplicate({ ...noTimeouts, ...lineOptions, retryStrategy }),
    );
  }

  /** Gives up one share; the last one closes the command line. */
  async leave(): Promise<void> {
    this.#users -= 1;
    if (this.#users > 0 || this.#isClosed) return;
    this.#isClosed = true;
    Connection.#shared.delete(this.key);
    const line = await this.#line?.catch(() => undefined);
    await line?.close();
  }

  #commandLine(): Promise<Line> {
    // A search that failed is made anew by the next call: the server may have been started meanwhile.
    this.#line ??= this.openLine().then(
      (line) => (this.#open = line),
      (error: unknown) => {
        this.#line = undefined;
        throw error;
      },
    );
    return this.#line;
  }

  async #dial(): Promise<Line> {
    const { connection: _, ...named } = this.options;
    this.#address ??= await findRedis(named);
    const { replyMapping: _mapping, ...options } = this.#address.options;
    return Line.open((retryStrategy) => new Redis({ ...options, ...lineOptions, retryStrategy }));
  }

  /** Nobody else would start a project's own server again; it comes back under the same address, with its data. */
  async #reviveEmbedded(): Promise<void> {
    if (this.#address?.source !== 'embedded') return;
    const { connection: _, ...named } = this.options;
    await findRedis(named).catch(() => undefined); // the next failure tells
  }

  #unreachable(cause: unknown): RedisUnreachableError {
    return new RedisUnreachableError(this.label, 'it answered before; see that the server runs, then try again', { cause, mayHaveArrived: true });
  }
}
