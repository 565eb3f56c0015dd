import { setTimeout as pause } from 'node:timers/promises';
import type { RedisClient } from './redis-client.js';

/** What a listener gets. */
export interface Listener {
  /** Another process has published a message on the channel. */
  onMessage(this: void, text: string): void;
  /** The subscription has begun, or has begun anew: what was published before is unknown. */
  onBegin(this: void): void;
}

/** A broken subscription is found by its heartbeat. */
const heartbeatMs = 5_000;
const shortestPauseMs = 50;
const longestPauseMs = 1_000;

/**
 * Notifications from other processes: Redis channels, on one connection for the whole process. They may be lost: when the connection breaks,
 * and when the server fails over. So state is always in Redis, and a listener reads it again at every `onBegin`.
 */
export class Notifier {
  readonly #listeners = new Map<string, Set<Listener>>();
  /** Channels that the server knows of. */
  readonly #subscribed = new Set<string>();
  #opening: Promise<RedisClient> | undefined;
  #isFlushing = false;
  #heartbeat: NodeJS.Timeout | undefined;
  #pauseMs = 0;
  #isClosed = false;

  constructor(private readonly openClient: () => Promise<RedisClient>) {}

  /** Listens to a channel. @returns ends it */
  listen(channel: string, listener: Listener): () => void {
    const listeners = this.#listeners.get(channel) ?? new Set();
    listeners.add(listener);
    this.#listeners.set(channel, listeners);
    if (this.#subscribed.has(channel)) queueMicrotask(() => listener.onBegin());
    else this.#flush();
    this.#heartbeat ??= setInterval(() => this.#beat(), heartbeatMs).unref();
    return () => {
      listeners.delete(listener);
      if (listeners.size > 0) return;
      if (this.#listeners.get(channel) === listeners) this.#listeners.delete(channel);
      this.#flush();
    };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#heartbeat);
    this.#listeners.clear();
    const line = await this.#opening?.catch(() => undefined);
    await line?.close();
  }

  /** Brings the server's subscriptions in line with the listeners, once for all changes of a turn. */
  #flush(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    setImmediate(() => void this.#subscribeAll());
  }

  async #subscribeAll(): Promise<void> {
    while (!this.#isClosed) {
      const begun = [...this.#listeners.keys()].filter((channel) => !this.#subscribed.has(channel));
      const ended = [...this.#subscribed].filter((channel) => !this.#listeners.has(channel));
      if (begun.length === 0 && ended.length === 0) break;
      try {
        await this.#send(begun, ended);
        this.#pauseMs = 0;
      } catch {
        this.#pauseMs = Math.min(Math.max(2 * this.#pauseMs, shortestPauseMs), longestPauseMs);
        await pause(this.#pauseMs, undefined, { ref: false });
      }
    }
    this.#isFlushing = false; // in the turn in which nothing was left to do
  }

  async #send(begun: readonly string[], ended: readonly string[]): Promise<void> {
    const line = await this.#open();
    if (ended.length > 0) {
      await line.use((client) => client.unsubscribe(...ended));
      for (const channel of ended) this.#subscribed.delete(channel);
    }
    if (begun.length === 0) return;
    await line.use((client) => client.subscribe(...begun));
    for (const channel of begun) this.#subscribed.add(channel);
    for (const channel of begun) for (const { onBegin } of this.#listeners.get(channel) ?? []) onBegin();
  }

  #open(): Promise<RedisClient> {
    this.#opening ??= this.openClient().then(
      (line) => {
        line.client.on('message', (channel: string, text: string) => {
          for (const { onMessage } of this.#listeners.get(channel) ?? []) onMessage(text);
        });
        line.client.on('close', () => this.#begin());
        return line;
      },
      (error: unknown) => {
        this.#opening = undefined;
        throw error;
      },
    );
    return this.#opening;
  }

  /** The connection is new, or gone: no channel is subscribed. */
  #begin(): void {
    this.#subscribed.clear();
    if (this.#listeners.size > 0) this.#flush();
  }

  /** Finds a connection that is dead without being closed. */
  #beat(): void {
    if (this.#listeners.size === 0) {
      clearInterval(this.#heartbeat);
      this.#heartbeat = undefined;
      return;
    }
    if (this.#subscribed.size === 0) return this.#flush();
    void this.#opening?.then((line) => line.use((client) => client.ping())).catch(() => undefined);
  }
}
