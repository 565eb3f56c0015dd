import { Cluster, type Redis, type RedisOptions } from 'ioredis';
import { RedisFullError } from '../contract/errors.js';

export type Client = Redis | Cluster;

/** The longest that a command of ours waits in the server. */
export const blockMs = 5_000;
/** Between two attempts to connect: a worker must be back before its lease ends, which a return of Redis leaves little of. */
const longestRedialMs = 250;

/** How our own clients differ from ioredis' defaults. `blockingTimeout` and `commandTimeout` lose messages: never set them. */
export const lineOptions = {
  lazyConnect: true,
  // Rejected at once when the connection breaks: we send again ourselves, under the same number (`Connection.call`).
  maxRetriesPerRequest: 0,
  connectTimeout: 5_000,
  // A server that is reading its file is asked again so soon; by default after as long as it guesses, seconds too late.
  maxLoadingRetryTime: longestRedialMs,
} satisfies RedisOptions;

/**
 * A connection with commands on it over which nothing moves for so long is dead, and is replaced. Longer than any block of
 * ours: an idle connection of a healthy server must live, and one that is half-open be gone within two blocks.
 */
const deadAfterMs = blockMs + 2_000;
/** Between two looks at a connection: one timer a second, where ioredis' `socketTimeout` sets one for each command. */
const lookMs = 1_000;

/** {@link lineOptions} for the nodes of a cluster, each of which watches itself. */
export const nodeOptions = { ...lineOptions, socketTimeout: deadAfterMs } satisfies RedisOptions;

/** Takes back what the owner of a given client may have set for it: ioredis heeds none of them when it is not a number. */
export const noTimeouts = { commandTimeout: undefined, blockingTimeout: undefined, socketTimeout: undefined } as unknown as Pick<RedisOptions, never>;

/** One ioredis client, whose socket keeps the process alive only while an answer is awaited. */
export class Line {
  #pending = 0;
  #connecting: Promise<void> | undefined;
  /** Since when answers are awaited, and when something moved last; monotonic ms. */
  #busySince = 0;
  #movedAt = 0;
  #moved = 0;
  #looking: NodeJS.Timeout | undefined;

  private constructor(readonly client: Client) {
    // Failures reach the caller who awaits the command; without a listener ioredis would print them as well.
    client.on('error', () => {});
    client.on('connect', () => this.#hold(this.#pending > 0));
    if (client instanceof Cluster) client.on('+node', (node: Redis) => node.on('connect', () => this.#hold(this.#pending > 0)));
  }

  /** A line that reconnects while an answer is awaited, and ends when none is. */
  static open(make: (retryStrategy: (times: number) => number | null) => Client): Line {
    const strategy: { line?: Line } = {};
    const client = make((times) => (strategy.line?.isBusy ? Math.min(5 * 2 ** times, longestRedialMs) : null));
    const line = new Line(client);
    strategy.line = line;
    return line;
  }

  get isBusy(): boolean {
    return this.#pending > 0;
  }

  async use<T>(send: (client: Client) => Promise<T>): Promise<T> {
    if (this.#pending++ === 0) this.#begin();
    try {
      if (this.client.status === 'end') await this.#connect();
      return await send(this.client);
    } catch (error) {
      // A demoted master goes on answering so, while the client thinks that all is well.
      if (error instanceof Error && error.message.startsWith('READONLY')) this.client.disconnect(true);
      throw error;
    } finally {
      if (--this.#pending === 0) this.#hold(false);
    }
  }

  /** Resolves when the socket is gone, so that the server has noticed; after a second in any case. */
  async close(): Promise<void> {
    // A disconnect of a client that has ended would hold the process for two seconds.
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
    if (!(this.client instanceof Cluster)) return hold(this.client, alive);
    for (const node of this.client.nodes()) hold(node, alive);
  }

  /** Replaces a connection that is dead. Both directions count: a large message may be on its way for long. */
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
    if (now - Math.max(this.#movedAt, this.#busySince) >= deadAfterMs) stream.destroy(new Error(`Socket timeout: nothing moved for ${deadAfterMs} ms`));
  }
}

function hold({ stream }: Redis, alive: boolean): void {
  if (alive) stream?.ref();
  else stream?.unref();
}

const passing =
  /Unknown RESP type|Connection is closed|max retries per request|Socket (timeout|closed)|ECONN|EPIPE|ENOENT|ETIMEDOUT|EHOSTUNREACH|Stream isn't writeable|ClusterAllFailed|Failed to refresh slots|Too many Cluster redirections|^(READONLY|LOADING|UNBLOCKED|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|NOREPLICAS)/;

/** Whether sending the same again may work: the connection or the server is between two states. */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? String(error.code) : '';
  return passing.test(error.message) || passing.test(code);
}

/** Gives refusals of the server that a user can act on their own class. */
export function refusalOf(error: unknown, address: string): unknown {
  return error instanceof Error && error.message.startsWith('OOM') ? new RedisFullError(address, { cause: error }) : error;
}
