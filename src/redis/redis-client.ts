import type { Socket } from 'node:net';
import { Redis, type Cluster, type RedisOptions } from 'ioredis';
import { type Progress, progressOf } from './bytes-under-way.js';
import {
  deadAfterMs,
  isCluster,
  longestRedialMs,
  ownClient,
  ownRedisOptions,
  refuseTransformers,
  type IoredisClient,
} from './client-options.js';
import { replyCodeOf } from './server-errors.js';

export { blockMs, type IoredisClient } from './client-options.js';

/** Interval of the checks for a dead connection. This is one timer a second; `socketTimeout` of ioredis sets one for each command. */
const checkMs = 1_000;

/** A command failed. */
export class CommandFailure extends Error {
  /** @param wasSent false if the command certainly did not reach the server */
  constructor(
    cause: unknown,
    readonly wasSent: boolean,
  ) {
    super('command failed', { cause });
  }
}

/** A Redis client: wraps one ioredis client. Its socket keeps the process alive only while a reply is pending. */
export class RedisClient {
  /** The client, if it reaches a single server. */
  readonly #single: Redis | undefined;
  #pending = 0;
  #connecting: Promise<void> | undefined;
  /** How often it has connected. */
  #connections = 0;
  /** Set while it leaves a server that is a replica now. */
  #leaving: Promise<void> | undefined;
  #isOnReplica = false;
  /** What broke the connection last, until it is there again. The errors of the commands only say that it is closed. */
  #trouble: Error | undefined;
  /** The reply with which the server refused the database, until a command gets it. */
  #refusedDatabase: Error | undefined;
  /** Since when replies are pending, and when bytes moved last; monotonic ms. */
  #busySince = 0;
  #movedAt = 0;
  #moved = 0;
  /** How far it was at the last closer look; `undefined` before the first one since bytes moved. */
  #progress: Progress | undefined;
  #looking: NodeJS.Timeout | undefined;

  private constructor(readonly client: IoredisClient) {
    this.#single = isCluster(client) ? undefined : client;
    // The caller that awaits the command gets the error. Without a listener, ioredis would also print it.
    client.on('error', (error: Error) => this.#onError(error));
    client.on('connect', () => this.#hold(this.#pending > 0));
    client.on('ready', () => {
      this.#connections += 1;
      this.#progress = undefined;
      this.#trouble = undefined;
    });
    if (isCluster(client)) client.on('+node', (node: Redis) => node.on('connect', () => this.#hold(this.#pending > 0)));
  }

  /** Opens a client for a named address. */
  static open({ replyMapping: _, ...options }: RedisOptions): RedisClient {
    return RedisClient.#open((retryStrategy) => new Redis({ ...options, ...ownRedisOptions, retryStrategy }));
  }

  /** Opens a client that reaches the same Redis as a given one, with our settings. */
  static openLike(given: IoredisClient): RedisClient {
    return RedisClient.#open((retryStrategy) => ownClient(given, retryStrategy));
  }

  /** It reconnects while a reply is pending, and ends if none is. */
  static #open(make: (retryStrategy: (times: number) => number | null) => IoredisClient): RedisClient {
    refuseTransformers();
    const strategy: { line?: RedisClient } = {};
    const client = make((times) => (strategy.line?.isBusy ? Math.min(5 * 2 ** times, longestRedialMs) : null));
    const line = new RedisClient(client);
    strategy.line = line;
    return line;
  }

  get isBusy(): boolean {
    return this.#pending > 0;
  }

  /** Sends commands. @param isUnknown passed on to `send` @throws CommandFailure */
  async use<T>(send: (client: IoredisClient, isUnknown: boolean) => Promise<T>, isUnknown = false): Promise<T> {
    if (this.#leaving) await this.#leaving;
    if (this.#pending++ === 0) this.#begin();
    const connections = this.#connections;
    let isWritten = false;
    try {
      if (this.client.status === 'end') await this.#connect();
      isWritten = this.client.status === 'ready';
      return await send(this.client, isUnknown);
    } catch (error) {
      // A demoted master keeps replying READONLY, and ioredis would stay connected to it.
      if (replyCodeOf(error) === 'READONLY') this.#isOnReplica = true;
      // What waits in ioredis for a connection is sent as soon as there is one.
      const mayBeWritten = isWritten || connections !== this.#connections || !this.#single;
      throw this.#failureOf(error, mayBeWritten);
    } finally {
      if (--this.#pending === 0) this.#end();
    }
  }

  #failureOf(error: unknown, mayBeWritten: boolean): CommandFailure {
    const refusal = this.#refusedDatabase;
    this.#refusedDatabase = undefined;
    if (refusal) return new CommandFailure(refusal, false);
    const isVague = error instanceof Error && /^(Connection is closed|Reached the max retries)/.test(error.message);
    return new CommandFailure(isVague ? (this.#trouble ?? error) : error, mayBeWritten);
  }

  /** Disconnects. Resolves when the socket is closed, so that the server has noticed; after at most one second. */
  async close(): Promise<void> {
    // Disconnecting a client that has ended would keep the process alive for two seconds.
    clearInterval(this.#looking);
    this.#looking = undefined;
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
    if (this.#single) this.#looking ??= setInterval(() => this.#look(), checkMs).unref();
  }

  #end(): void {
    this.#hold(false);
    if (this.#isOnReplica) this.#leaving ??= this.#leave().finally(() => (this.#leaving = undefined));
  }

  /**
   * Disconnects from a replica, when no command is in flight: one that the disconnection cut off might have been stored. The next
   * command connects again, perhaps to another server.
   */
  async #leave(): Promise<void> {
    this.#isOnReplica = false;
    // Asks the next sentinel first: the one that named this server may be cut off from the others.
    const { connector } = this.client as unknown as { connector?: { check?(info: { role: string }): boolean } };
    connector?.check?.({ role: 'slave' });
    await this.close();
  }

  #onError(error: Error): void {
    this.#trouble = error;
    const { command } = error as { command?: { name?: string } };
    if (command?.name !== 'select') return;
    // ioredis would go on in database 0, and messages would be stored there. The server refuses this while a script blocks it.
    this.#refusedDatabase = error;
    this.client.disconnect(true);
  }

  #hold(alive: boolean): void {
    for (const { stream } of this.#single ? [this.#single] : (this.client as Cluster).nodes())
      if (alive) stream?.ref();
      else stream?.unref();
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
    if (moved !== this.#moved) {
      this.#movedAt = now;
      this.#progress = undefined;
    }
    this.#moved = moved;
    const stillMs = now - Math.max(this.#movedAt, this.#busySince);
    if (stillMs >= deadAfterMs)
      stream.destroy(new Error(`Socket timeout: no bytes sent or received for ${deadAfterMs} ms`));
    else if (stillMs > checkMs) void this.#lookCloser(stream);
  }

  /** Finds out whether a large message moves slowly. The system of a server that is frozen acknowledges small ones, too. */
  async #lookCloser(stream: Socket): Promise<void> {
    const before = this.#progress;
    const progress = await progressOf(stream);
    if (!progress || stream !== (this.client as Redis).stream) return;
    if (before && before.unacknowledged > 0 && progress.acknowledged > before.acknowledged)
      this.#movedAt = performance.now();
    this.#progress = progress;
  }
}
