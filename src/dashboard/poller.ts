import { setTimeout as pause } from 'node:timers/promises';
import { RedisUnreachableError } from 'hotqueue';
import type { QueueSnapshot, Snapshots } from '../inspect/snapshot.js';
import type { Overview, QueueRow, RedisState, Sample, WorkerRow } from './api.js';
import { refusalOf } from './refusals.js';
import { mostSamples, ratesAt, recent, rowOf, sampleOf, sparkEveryMs, sparkPoints, type Point } from './rows.js';

/** At most so many commands a second for the overview, and for the queues that are watched: together less than 20. */
const overviewPerSecond = 12;
const watchedPerSecond = 4;
const shortestMs = 1_000;
const overviewShortestMs = 2_000;
/** `Snapshots.watch` asks for heartbeats for five seconds. */
const watchEveryMs = 4_500;

/** What the poller knows of a queue. */
interface Known {
  readonly queue: QueueSnapshot;
  readonly row: QueueRow;
  readonly points: readonly Point[];
  readonly samples: readonly Sample[];
  readonly sparkAt: number;
  /** Number of its last change. */
  readonly change: number;
}

/** A listener to the overview, and to one queue in detail. */
export interface Subscription {
  /** Name of the queue to read every second. */
  readonly queue: string | undefined;
  /** Called after each pass, and when the poller closes. */
  readonly onPass: () => void;
}

/**
 * Reads all queues again and again while there are subscribers. All of them share it, so ten browser tabs cost Redis what one does.
 *
 * States: idle (no subscriber, reads nothing) -> reading -> waiting -> reading …; while Redis is away, it reads once a second.
 */
export class Poller {
  readonly #known = new Map<string, Known>();
  readonly #subscriptions = new Set<Subscription>();
  #changes = 0;
  #readAt = 0;
  #readMs = -Infinity;
  #watchMs = -Infinity;
  #redis: RedisState = { isUp: true, downSince: null, error: null };
  #running: Promise<void> | undefined;
  #reading: Promise<void> | undefined;
  #next = new AbortController();
  #isClosed = false;

  constructor(
    private readonly snapshots: Snapshots,
    private readonly watchQueue: (name: string) => Promise<void>,
  ) {}

  get redis(): RedisState {
    return this.#redis;
  }

  /** Number of the last change of any queue. */
  get changes(): number {
    return this.#changes;
  }

  /** Whether nothing is read any more. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The state now. If it was read longer ago than a subscriber would wait, reads it first. */
  async overview(): Promise<Overview> {
    if (performance.now() - this.#readMs > this.#overviewEveryMs + 1_000) await this.#readAll();
    return { at: this.#readAt, redis: this.#redis, queues: this.#rows() };
  }

  /** A queue; `undefined` if there is none. Reads it now. */
  async queue(
    name: string,
  ): Promise<{ row: QueueRow; workers: readonly WorkerRow[]; samples: readonly Sample[] } | undefined> {
    if (!this.#known.has(name)) await this.#readAll();
    if (!this.#known.has(name)) return undefined;
    await this.readNow(name);
    const { row, queue, samples } = this.#known.get(name)!;
    return { row, workers: queue.workers, samples };
  }

  /** The workers of all queues, as they were read last. */
  async workers(): Promise<readonly WorkerRow[]> {
    await this.overview();
    return [...this.#known.values()].flatMap(({ queue }) => queue.workers);
  }

  /** Reads a queue again, after an action changed it. */
  async readNow(name: string): Promise<void> {
    await this.#guarded(async () => this.#learn(await this.snapshots.takeOne(name)));
  }

  /** Rows that changed after the change with this number, and all names. */
  changedSince(number: number): { readonly rows: readonly QueueRow[]; readonly names: ReadonlySet<string> } {
    const rows = [...this.#known.values()].filter(({ change }) => change > number).map(({ row }) => row);
    return { rows, names: new Set(this.#known.keys()) };
  }

  /** Workers of a queue, and its samples after an instant. */
  detailSince(name: string, at: number): { workers: readonly WorkerRow[]; samples: readonly Sample[] } | undefined {
    const known = this.#known.get(name);
    return known && { workers: known.queue.workers, samples: known.samples.filter((one) => one.at > at) };
  }

  /** @returns ends the subscription */
  subscribe(subscription: Subscription): () => void {
    this.#subscriptions.add(subscription);
    this.#next.abort(); // a new reader does not wait for the next pass
    this.#running ??= this.#run().finally(() => (this.#running = undefined));
    return () => {
      this.#subscriptions.delete(subscription);
      if (this.#subscriptions.size === 0) this.#next.abort();
    };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { onPass } of this.#subscriptions) onPass();
    this.#next.abort();
    await this.#running;
    await this.snapshots.close();
  }

  get #overviewEveryMs(): number {
    return Math.max(overviewShortestMs, (this.#known.size * 1_000) / overviewPerSecond);
  }

  get #watched(): string[] {
    return [...new Set([...this.#subscriptions].flatMap(({ queue }) => queue ?? []))].filter((name) =>
      this.#known.has(name),
    );
  }

  async #run(): Promise<void> {
    while (this.#subscriptions.size > 0 && !this.#isClosed) {
      this.#next = new AbortController();
      await this.#readDue();
      for (const { onPass } of this.#subscriptions) onPass();
      const everyMs = Math.max(shortestMs, (this.#watched.length * 1_000) / watchedPerSecond);
      await pause(everyMs, undefined, { signal: this.#next.signal }).catch(() => undefined);
    }
  }

  async #readDue(): Promise<void> {
    const now = performance.now();
    if (!this.#redis.isUp || now - this.#readMs >= this.#overviewEveryMs) await this.#readAll();
    else await Promise.all(this.#watched.map((name) => this.readNow(name)));
    if (!this.#redis.isUp || now - this.#watchMs < watchEveryMs) return;
    this.#watchMs = now;
    const busy = this.#watched.filter((name) => this.#known.get(name)!.row.workers > 0);
    await this.#guarded(async () => void (await Promise.all(busy.map((name) => this.watchQueue(name)))));
  }

  /** Several callers at the same time share one read. */
  #readAll(): Promise<void> {
    this.#reading ??= this.#guarded(async () => {
      const all = await this.snapshots.take();
      const names = new Set(all.map(({ name }) => name));
      for (const name of this.#known.keys()) if (!names.has(name)) this.#known.delete(name);
      all.forEach((queue) => this.#learn(queue));
      [this.#readAt, this.#readMs] = [Date.now(), performance.now()];
    }).finally(() => (this.#reading = undefined));
    return this.#reading;
  }

  /** Notes whether Redis answers. @throws errors that do not come from an unreachable Redis */
  async #guarded(read: () => Promise<void>): Promise<void> {
    try {
      await read();
      this.#redis = { isUp: true, downSince: null, error: null };
    } catch (error) {
      if (this.#isClosed) return;
      const downSince = this.#redis.downSince ?? Date.now();
      this.#redis = { isUp: false, downSince, error: refusalOf(error).message };
      if (!(error instanceof RedisUnreachableError)) this.#readMs = performance.now(); // it answers, and refuses: not at once again
    }
  }

  #learn(queue: QueueSnapshot): void {
    const before = this.#known.get(queue.name);
    const [at, steadyAt] = [Date.now(), performance.now()];
    const { done, failed } = queue;
    const points = [...recent(before?.points ?? [], steadyAt), { at, steadyAt, done, failed }];
    const rates = ratesAt(points, this.#watched.includes(queue.name));
    const isNextPoint = steadyAt - (before?.sparkAt ?? -Infinity) >= sparkEveryMs;
    const earlier = before?.row.spark ?? [];
    const spark = isNextPoint ? [...earlier, rates?.done ?? 0].slice(-sparkPoints) : earlier;
    const row = rowOf(queue, rates, spark, at);
    const isSame = before !== undefined && JSON.stringify(before.row) === JSON.stringify(row);
    this.#known.set(queue.name, {
      ...{ queue, row, points },
      samples: [...(before?.samples ?? []), sampleOf(queue, rates, at)].slice(-mostSamples),
      sparkAt: isNextPoint ? steadyAt : before!.sparkAt,
      change: isSame ? before.change : (this.#changes += 1),
    });
  }

  #rows(): QueueRow[] {
    return [...this.#known.values()].map(({ row }) => row);
  }
}
