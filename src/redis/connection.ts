// Longer than 250 lines: every call passes one loop, and all that it needs to decide about a failure is beside it.
import { QueueClosedError, type HotQueueError, RedisRefusedError, RedisUnreachableError } from '../core/errors.js';
import { sleep } from '../core/timer.js';
import { findRedis, type Address } from './address.js';
import { CommandFailure, RedisClient, type IoredisClient } from './redis-client.js';
import { portableAddress, type PortableAddress } from './portable-address.js';
import { Notifier } from './notifier.js';
import { isUnknownScript, scripts, scriptsWithHistory, type ScriptName } from './scripts.js';
import { failureKindOf, isFault, typedError } from './server-errors.js';

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

/** How long to retry while Redis is unreachable, or in a state that passes by itself. */
export interface Patience {
  /** In ms; without limit if absent. */
  readonly withinMs?: number;
  readonly signal?: AbortSignal;
  /** Whether the first call of the process also waits for a named server that has not answered yet. */
  readonly waitsForStart?: boolean;
  /** Called after 5 s of waiting, and then once a minute; for all calls of one connection together. */
  readonly onWait?: (wait: Wait) => void;
}

/** A call that waits for Redis. */
export interface Wait {
  /** Such as RedisUnreachableError, or RedisRefusedError with the reply `MISCONF`. */
  readonly error: Error;
  readonly sinceMs: number;
}

const longestPauseMs = 1_000;
/** A shorter wait is not reported: a restart of Redis takes as long. */
const firstReportMs = 5_000;
const reportEveryMs = 60_000;
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
  #notifier: Notifier | undefined;
  /** Since when no command has succeeded, and when a waiting call reported it last; monotonic ms. */
  #awaySince: number | undefined;
  #reportedAt: number | undefined;

  // Both have the password, and no `console.log` or `JSON.stringify` of anything that holds a connection shows a private field.
  readonly #options: ConnectionOptions;
  readonly #key: string | IoredisClient;

  private constructor(options: ConnectionOptions, key: string | IoredisClient) {
    this.#options = options;
    this.#key = key;
  }

  /** Name of the server for messages, with the password masked. */
  get label(): string {
    return this.#address?.label ?? 'the given connection';
  }

  /** Whether Redis has answered before, and did so last time. */
  get isAnswering(): boolean {
    return this.#open !== undefined && this.#awaySince === undefined;
  }

  /**
   * Sends commands, and sends them again while the connection or the server is changing its state. They must be safe to send
   * twice, as every script is.
   *
   * @param send sends the commands. `isUnknown` is true if the server does not know a script by its hash
   * @throws RedisUnreachableError, RedisRefusedError if that lasts longer than `withinMs`
   * @throws RedisRefusedError at once for a reply that waiting does not change
   * @throws RedisFullError at once if there is a `withinMs`: the caller of put can act. Workers have none, because they free memory
   * @throws the reason of the signal if it aborts
   */
  async call<T>(send: (client: IoredisClient, isUnknown: boolean) => Promise<T>, patience: Patience = {}): Promise<T> {
    let retry: Retry | undefined;
    let isUnknown = false;
    for (;;) {
      patience.signal?.throwIfAborted();
      if (this.#isClosed) throw new QueueClosedError(this.label);
      try {
        const line = this.#open ?? (await this.#commandLine());
        const reply = await line.use(send, isUnknown);
        this.#awaySince = undefined;
        return reply;
      } catch (error) {
        if (error instanceof CommandFailure && isUnknownScript(error.cause) && !isUnknown) {
          isUnknown = true;
          continue;
        }
        retry ??= new Retry(patience);
        await this.#failed(error, retry);
      }
    }
  }

  /** Decides after a failed attempt: resolves when the next one may begin. @throws the error of the call */
  async #failed(thrown: unknown, retry: Retry): Promise<void> {
    const { patience } = retry;
    const failure = thrown instanceof CommandFailure ? thrown : new CommandFailure(thrown, false);
    const { cause } = failure;
    if (isFault(cause)) {
      if (!this.#mayWaitFor(cause, patience)) throw cause as Error;
      retry.count(cause);
    } else {
      const kind = failureKindOf(cause);
      if (kind === 'unanswered' && failure.wasSent) retry.mayHaveArrived = true;
      const error = typedError(cause, this.label, retry.mayHaveArrived);
      if (kind === 'permanent') throw error;
      if (kind === 'full' && patience.withinMs !== undefined) throw error;
      retry.count(error);
    }
    this.#awaySince ??= performance.now();
    if (retry.isOver) throw retry.error!;
    this.#report(retry);
    if (retry.failures % failuresPerSearch === 0) await this.#reviveEmbedded();
    await sleep(retry.pauseMs, patience.signal);
  }

  /** After the search for a server has failed: nothing was sent yet. */
  #mayWaitFor(error: unknown, { waitsForStart }: Patience): error is HotQueueError {
    if (error instanceof RedisRefusedError) return !error.isPermanent;
    return error instanceof RedisUnreachableError && waitsForStart === true;
  }

  #report({ error, patience: { onWait } }: Retry): void {
    if (!onWait || !error) return;
    const now = performance.now();
    const sinceMs = now - this.#awaySince!;
    const dueAt = Math.max(this.#awaySince! + firstReportMs, (this.#reportedAt ?? -Infinity) + reportEveryMs);
    if (now < dueAt) return;
    this.#reportedAt = now;
    onWait({ error, sinceMs });
  }

  /** Runs a script by its hash; with `hasHistory` its version for a queue with a history, see `QueueHistory`. If the server does not know it (after a restart, flush or failover), sends the text. */
  script(
    name: ScriptName,
    keys: readonly string[],
    args: readonly (string | number | Buffer)[],
    patience?: Patience,
    hasHistory = false,
  ): Promise<unknown> {
    const { sha, lua } = (hasHistory ? scriptsWithHistory() : scripts)[name];
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
    const { connection } = this.#options;
    return connection ? RedisClient.openLike(connection) : this.#dial();
  }

  /** Notifications from other processes. Its connection opens with the first listener. */
  get notifier(): Notifier {
    return (this.#notifier ??= new Notifier(() => this.openClient()));
  }

  /** How another thread connects to the same Redis; `undefined` if that cannot be posted to it, or before the first call. */
  get portableAddress(): PortableAddress | undefined {
    return this.#open && portableAddress(this.#open.client);
  }

  /** Ends one use of this connection. The last one closes the client for commands. */
  async leave(): Promise<void> {
    this.#users -= 1;
    if (this.#users > 0 || this.#isClosed) return;
    this.#isClosed = true;
    Connection.#shared.delete(this.#key);
    const line = await this.#line?.catch(() => undefined);
    await Promise.all([line?.close(), this.#notifier?.close()]);
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
    const { connection: _, ...named } = this.#options;
    this.#address ??= await findRedis(named);
    return RedisClient.open(this.#address.options);
  }

  /**
   * Starts the embedded server again if it is gone: no other process would. It returns at the same address, and a native one
   * with its data.
   */
  async #reviveEmbedded(): Promise<void> {
    if (this.#address?.source !== 'embedded') return;
    const { connection: _, ...named } = this.#options;
    await findRedis(named).catch(() => undefined); // the next failure reports it
  }
}

/** The attempts of one call. */
class Retry {
  readonly #givenUpAt: number;
  failures = 0;
  error: Error | undefined;
  /** Whether one of the attempts may have had an effect. */
  mayHaveArrived = false;

  constructor(readonly patience: Patience) {
    this.#givenUpAt = performance.now() + (patience.withinMs ?? Infinity);
  }

  count(error: Error): void {
    this.failures += 1;
    this.error = error;
  }

  get isOver(): boolean {
    return performance.now() >= this.#givenUpAt;
  }

  /** Until the next attempt. */
  get pauseMs(): number {
    const leftMs = Math.max(1, this.#givenUpAt - performance.now());
    return Math.min(25 * 2 ** Math.min(this.failures - 1, 10), longestPauseMs, leftMs);
  }
}
