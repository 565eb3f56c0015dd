import { Cluster, type Redis, type RedisOptions } from 'ioredis';
import { RedisFullError } from '../core/errors.js';

export type IoredisClient = Redis | Cluster;

/** Longest time that one of our commands blocks in the server. */
export const blockMs = 5_000;
/** Longest pause between two attempts to connect. When Redis returns, little of a lease is left, and the worker must renew it. */
const longestRedialMs = 250;

/** Our settings that differ from the defaults of ioredis. Never set `blockingTimeout` and `commandTimeout`: they lose messages. */
export const clientOptions = {
  lazyConnect: true,
  // A command fails at once when the connection breaks. `Connection.call` sends it again, under the same number.
  maxRetriesPerRequest: 0,
  connectTimeout: 5_000,
  // Retry interval while a server loads its data. The default is the server's own estimate, which is seconds too long.
  maxLoadingRetryTime: longestRedialMs,
} satisfies RedisOptions;

/**
 * If commands are pending and no byte moves for this time, the connection is dead and is replaced. It is longer than a block,
 * because an idle connection to a healthy server must stay. It is shorter than two blocks, so that a half-open connection
 * ends within two blocks.
 */
const deadAfterMs = blockMs + 2_000;
/** Interval of the checks for a dead connection. This is one timer a second; `socketTimeout` of ioredis sets one for each command. */
const lookMs = 1_000;

/** {@link clientOptions} for the nodes of a cluster. There, ioredis checks each connection itself. */
export const nodeOptions = { ...clientOptions, socketTimeout: deadAfterMs } satisfies RedisOptions;

/** Removes timeouts that the owner of a given client may have set. ioredis ignores them if they are not numbers. */
export const noTimeouts = {
  commandTimeout: undefined,
  blockingTimeout: undefined,
  socketTimeout: undefined,
} as unknown as Pick<RedisOptions, never>;

/** A Redis client: wraps one ioredis client. Its socket keeps the process alive only while a reply is pending. */
export class RedisClient {
  #pending = 0;
  #connecting: Promise<void> | undefined;
  /** Since when replies are pending, and when bytes moved last; monotonic ms. */
  #busySince = 0;
  #movedAt = 0;
  #moved = 0;
  #looking: NodeJS.Timeout | undefined;

  private constructor(readonly client: IoredisClient) {
    // The caller that awaits the command gets the error. Without a listener, ioredis would also print it.
    client.on('error', () => {});
    client.on('connect', () => this.#hold(this.#pending > 0));
    if (client instanceof Cluster)
      client.on('+node', (node: Redis) => node.on('connect', () => this.#hold(this.#pending > 0)));
  }

  /** Opens a client. It reconnects while a reply is pending, and ends if none is. */
  static open(make: (retryStrategy: (times: number) => number | null) => IoredisClient): RedisClient {
    const strategy: { line?: RedisClient } = {};
    const client = make((times) => (strategy.line?.isBusy ? Math.min(5 * 2 ** times, longestRedialMs) : null));
    const line = new RedisClient(client);
    strategy.line = line;
    return line;
  }

  get isBusy(): boolean {
    return this.#pending > 0;
  }

  /** Sends commands on this client, and connects before that if it has ended. @param isUnknown passed on to `send` */
  async use<T>(send: (client: IoredisClient, isUnknown: boolean) => Promise<T>, isUnknown = false): Promise<T> {
    if (this.#pending++ === 0) this.#begin();
    try {
      if (this.client.status === 'end') await this.#connect();
      return await send(this.client, isUnknown);
    } catch (error) {
      // A demoted master keeps replying READONLY, and ioredis would stay connected to it.
      if (error instanceof Error && error.message.startsWith('READONLY')) this.client.disconnect(true);
      throw error;
    } finally {
      if (--this.#pending === 0) this.#hold(false);
    }
  }

  /** Disconnects. Resolves when the socket is closed, so that the server has noticed; after at most one second. */
  async close(): Promise<void> {
    // Disconnecting a client that has ended would keep the process alive for two seconds.
    clearInterval(this.#looking);
    if (this.client.status === 'end' || this.client.status === 'wait') return;
    await new Promise<void>((resolve) => {
      const late = setTimeout(resolve, 1_000);
      this.client.once('end', () => {
        clearTimeout(late);
        resolve();
      });
      this.client.disconnect();
    });
  }

  async #connect(): Promise<void> {
    this.#connecting ??= this.client.connect().finally(() => (this.#connecting = undefined));
    await this.#connecting;
  }

  #begin(): void {
    this.#busySince = performance.now();
    this.#hold(true);
    if (!(this.client instanceof Cluster)) this.#looking ??= setInterval(() => this.#look(), lookMs).unref();
  }

  #hold(alive: boolean): void {
    const nodes = this.client instanceof Cluster ? this.client.nodes() : [this.client];
    for (const { stream } of nodes as { stream?: Redis['stream'] }[]) {
      if (alive) stream?.ref();
      else stream?.unref();
    }
  }

  /** Replaces a dead connection. Bytes in both directions count, because a large message may take long to send. */
  #look(): void {
    if (this.#pending === 0) {
      clearInterval(this.#looking);
      this.#looking = undefined;
      return;
    }
    const stream = (this.client as Redis).stream as Redis['stream'] | undefined;
    if (!stream) return;
    const now = performance.now();
    const moved = (stream as { bytesRead?: number }).bytesRead! - stream.writableLength;
    if (moved !== this.#moved) this.#movedAt = now;
    this.#moved = moved;
    if (now - Math.max(this.#movedAt, this.#busySince) >= deadAfterMs)
      stream.destroy(new Error(`Socket timeout: no bytes sent or received for ${deadAfterMs} ms`));
  }
}

const passing =
  /Unknown RESP type|Connection is closed|max retries per request|Socket (timeout|closed)|ECONN|EPIPE|ENOENT|ETIMEDOUT|EHOSTUNREACH|Stream isn't writeable|ClusterAllFailed|Failed to refresh slots|Too many Cluster redirections|^(READONLY|LOADING|UNBLOCKED|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|NOREPLICAS)/;

/** Whether the same command may succeed if it is sent again: the connection or the server is changing its state. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? String(error.code) : '';
  return passing.test(error.message) || passing.test(code);
}

/** Converts "out of memory" replies of the server to {@link RedisFullError}. Returns other errors unchanged. */
export function typedServerError(error: unknown, address: string): unknown {
  return error instanceof Error && error.message.startsWith('OOM')
    ? new RedisFullError(address, { cause: error })
    : error;
}
