import type { QueueOptions } from '../core/options/queue.js';
import { open, optionsOf } from '../wire/envelope.js';
import { madeAt } from '../wire/id.js';
import { OverviewReader } from '../redis/overview-reader.js';
import { asking, oldestIn, queueNames } from './queues.js';
import { byAge, viewOf, type QueueWorkers, type WorkerInfo } from './workers.js';

/** The state of one queue at one moment. */
export interface QueueSnapshot {
  readonly name: string;
  readonly waiting: number;
  /** Active messages: taken by a worker and not settled yet. */
  readonly active: number;
  readonly delayed: number;
  readonly dead: number;
  /** Attempts that succeeded, since the queue exists. */
  readonly done: number;
  /** Attempts that failed. */
  readonly failed: number;
  readonly isPaused: boolean;
  /** When the oldest waiting message was put, in Unix ms; `undefined` if none is waiting, or none has a put time. */
  readonly oldestAt: number | undefined;
  readonly workers: readonly WorkerInfo[];
  /** The schedule that is due first; `undefined` if none is. */
  readonly nextSchedule: { readonly name: string; readonly dueAt: number } | undefined;
}

/** What snapshots need of a queue: a HotQueue has it. */
export interface InspectedQueue {
  readonly name: string;
  readonly workers: QueueWorkers;
  close(): Promise<void>;
}

/** Takes snapshots of several queues over one connection: one command for each queue. The caller closes it. */
export class Snapshots {
  readonly #queues = new Map<string, InspectedQueue>();
  readonly #known = new Map<string, readonly string[]>();

  /**
   * @param address where Redis is, and the `prefix`; no other options of a queue
   * @param names the queues; an empty list means all queues, including those that are created later
   * @param openQueue opens a queue at this address
   * @param patience how long to wait for an unreachable Redis
   */
  constructor(
    private readonly address: QueueOptions,
    private readonly names: readonly string[],
    private readonly openQueue: (name: string) => InspectedQueue,
    private readonly patience = { withinMs: 10_000 },
  ) {}

  async take(): Promise<QueueSnapshot[]> {
    const names = this.names.length > 0 ? this.names : await queueNames(this.address, this.patience);
    return Promise.all(names.map((name) => this.takeOne(name)));
  }

  /** A snapshot of one queue, which need not be one of the names. */
  async takeOne(name: string): Promise<QueueSnapshot> {
    this.#queue(name); // keeps the connection open between two snapshots
    const snapshot = await readSnapshot(name, this.address, this.patience, this.#known.get(name));
    this.#known.set(name, snapshot.known);
    return snapshot.queue;
  }

  /** Asks the workers for a heartbeat every second, for five seconds. */
  async watch(): Promise<void> {
    await Promise.all([...this.#queues.values()].map((queue) => queue.workers.watch()));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#queues.values()].map((queue) => queue.close()));
  }

  #queue(name: string): void {
    if (!this.#queues.has(name)) this.#queues.set(name, this.openQueue(name));
  }
}

/** @param known ids of its workers, as the last call returned them */
function readSnapshot(
  name: string,
  address: QueueOptions,
  patience: { readonly withinMs: number },
  known: readonly string[] = [],
): Promise<{ readonly queue: QueueSnapshot; readonly known: readonly string[] }> {
  return asking(name, address, async ({ connection, keys }) => {
    const found = await new OverviewReader(connection, keys).overview(known, patience);
    const { waiting, active, delayed, dead, isPaused, heads, leases, heartbeats, firstSchedule } = found;
    const reports = Object.entries(heartbeats).map(([id, report]) => viewOf(id, name, 0, report));
    const workers = leases
      .map(({ worker, endsAt }) => viewOf(worker, name, endsAt, heartbeats[worker] ?? ''))
      .sort(byAge);
    return {
      known: leases.map(({ worker }) => worker),
      queue: {
        ...{ name, waiting, active, delayed, dead, isPaused, workers },
        done: reports.reduce((sum, report) => sum + report.done, found.done),
        failed: reports.reduce((sum, report) => sum + report.failed, found.failed),
        oldestAt: oldestIn(heads),
        nextSchedule: firstSchedule && firstSchedule.dueAt !== Infinity ? firstSchedule : undefined,
      },
    };
  });
}

/** Attempts per second. */
export interface Rates {
  readonly done: number;
  readonly failed: number;
}

/**
 * Attempts per second between two snapshots of a queue.
 *
 * @returns `undefined` if there is no earlier snapshot, or if the numbers became smaller because Redis lost its data
 */
export function ratesBetween(
  before: QueueSnapshot | undefined,
  now: QueueSnapshot,
  elapsedMs: number,
): Rates | undefined {
  if (!before || elapsedMs <= 0 || now.done < before.done || now.failed < before.failed) return undefined;
  const perSecond = (which: keyof Rates): number =>
    Math.round(((now[which] - before[which]) * 10_000) / elapsedMs) / 10;
  return { done: perSecond('done'), failed: perSecond('failed') };
}

/** A waiting message as it is stored, valid or not. */
export interface StoredMessage {
  /** Empty for a bare message, which has no id. */
  readonly id: string;
  /** Unix ms; `null` if it is not known. */
  readonly putAt: number | null;
  /** Number of attempts that failed. */
  readonly attempts: number;
  /** The payload as it was stored, valid or not. */
  readonly text: string;
}

/** The next messages of a queue, in the order in which workers take them. `queue.peek()` skips invalid ones; workers take them too. */
export function nextMessages(name: string, most: number, address: QueueOptions = {}): Promise<StoredMessage[]> {
  return asking(name, address, async (broker) =>
    (await broker.reader.peek(most)).map((message) => {
      const { header, text } = open(message);
      if (!header) return { id: '', putAt: null, attempts: 0, text };
      const putAt = optionsOf(header).putAt ?? madeAt(header.id) ?? null;
      return { id: header.id, putAt, attempts: header.attempts, text };
    }),
  );
}
