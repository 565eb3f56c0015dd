import { UnknownWorkerError } from '../contract/errors.js';
import type { Order } from '../redis/broker.js';
import type { Channel } from '../runtime/channel.js';
import type { Report } from '../runtime/report.js';

/** A message that a worker works on. */
export interface Running {
  readonly id: string;
  readonly attempt: number;
  /** Unix ms, by the worker's clock. */
  readonly since: number;
}

/** A registered worker, as it described itself with its last beat. */
export interface WorkerView {
  /** Its own, new whenever it joins. */
  readonly id: string;
  readonly queue: string;
  /** `Studio.resize`, or `consume()`. */
  readonly name: string;
  readonly kind: 'handler' | 'consumer';
  readonly host: string;
  readonly pid: number;
  /** What its process was called, or empty. */
  readonly process: string;
  /** Start of its process, Unix ms. */
  readonly startedAt: number;
  readonly concurrency: number;
  readonly status: 'working' | 'quiet' | 'stopping';
  /** Attempts since it joined that ended well. */
  readonly handled: number;
  /** Attempts that ended in another try or among the dead letters. */
  readonly failed: number;
  /** Messages in its hands; more than run when it takes ahead. */
  readonly claimed: number;
  /** The first 20. */
  readonly running: readonly Running[];
  /** End of its lease, server's Unix ms. */
  readonly leaseUntil: number;
}

const patience = { withinMs: 10_000 };
/** Longer than somebody who looks takes between two looks. */
const watchMs = 5_000;

/** Who takes from a queue. */
export class QueueWorkers {
  constructor(private readonly channel: Channel) {}

  /** All that are registered, oldest first; what they said with their last beat, at most a third of a lease ago. */
  async list(): Promise<WorkerView[]> {
    const { connection, keys } = this.channel.broker;
    const [leases, reports] = await Promise.all([
      connection.call((client) => client.zrange(keys.workers, 0, '-1', 'WITHSCORES'), patience),
      connection.call((client) => client.hgetall(keys.reports), patience),
    ]);
    const ids = leases.filter((_, index) => index % 2 === 0);
    return ids.map((id, index) => viewOf(id, this.channel.name, Number(leases[index * 2 + 1]), reports[id] ?? '')).sort(byAge);
  }

  /** Has every worker tell what it does each second, for five seconds. */
  watch(): Promise<void> {
    return this.channel.broker.watch(watchMs, patience);
  }

  /** Asks a worker to take nothing new, until {@link work}; what runs goes on. @throws UnknownWorkerError */
  quiet(id: string): Promise<void> {
    return this.#order(id, 'quiet');
  }

  /** Asks a quiet worker to take again. @throws UnknownWorkerError */
  work(id: string): Promise<void> {
    return this.#order(id, 'work');
  }

  /** Asks a worker's `run` or `start` to stop as on SIGTERM: all handlers beside it too. @throws UnknownWorkerError */
  stop(id: string): Promise<void> {
    return this.#order(id, 'stop');
  }

  async #order(id: string, order: Order): Promise<void> {
    const found = (await this.list()).find((worker) => worker.id === id);
    if (!found) throw new UnknownWorkerError(id, this.channel.name, 'there is no such worker: it may have left, see workers.list()');
    if (found.kind === 'consumer') throw new UnknownWorkerError(id, this.channel.name, `it is a loop over consume() in process ${found.pid} of ${found.host}, which only that program can end`);
    await this.channel.broker.order(id, order, patience);
    await this.watch(); // so that it hears of it within a second, once it looks
  }
}

function viewOf(id: string, queue: string, leaseUntil: number, text: string): WorkerView {
  const [, handled = '0', failed = '0', json] = /^(\d+) (\d+) (\{.*\})$/s.exec(text) ?? [];
  const report = json === undefined ? unknown : (JSON.parse(json) as Report);
  const { name, kind, host, pid, process, startedAt, concurrency, status, claimed } = report;
  const running = report.running.map(([message, attempt, since]) => ({ id: message, attempt, since }));
  return { id, queue, name, kind, host, pid, process, startedAt, concurrency, status, handled: Number(handled), failed: Number(failed), claimed, running, leaseUntil };
}

/** A worker of another version, or one that only just joined. */
const unknown: Report = { name: 'unknown', kind: 'consumer', host: '', pid: 0, process: '', startedAt: 0, concurrency: 1, status: 'working', claimed: 0, running: [] };

const byAge = (one: WorkerView, other: WorkerView): number => one.startedAt - other.startedAt || (one.id < other.id ? -1 : 1);
