import { UnknownWorkerError } from '../core/errors.js';
import type { WorkerCommand } from '../redis/transitions.js';
import type { QueueContext } from '../redis/queue-context.js';
import type { HeartbeatReport } from '../consumer/heartbeat-report.js';
import { tenSeconds } from '../redis/reading.js';

/**
 * A message that a handler is working on.
 *
 * @example
 * ```ts
 * const [worker] = await queue.workers.list();
 * for (const { id, attempt, since } of worker?.activeMessages ?? []) console.log(id, attempt, `${Date.now() - since} ms`);
 * ```
 */
export interface ActiveMessage {
  /** Id of the message. */
  readonly id: string;
  /** Number of the attempt, from 1. */
  readonly attempt: number;
  /** When the handler started: Unix ms, by the clock of the worker. */
  readonly since: number;
}

/**
 * A registered worker, as it described itself in its last heartbeat.
 *
 * @example
 * ```ts
 * for (const { name, host, pid, status, active, concurrency } of await queue.workers.list()) {
 *   console.log(`${name} on ${host}:${pid}: ${status}, ${active} active, concurrency ${concurrency}`);
 * }
 * ```
 */
export interface WorkerInfo {
  /** Id of the worker. A worker that joins again gets a new one. */
  readonly id: string;
  /** Name of the queue. */
  readonly queue: string;
  /** Class and method, such as `Studio.resize`; `consume()` for a loop. */
  readonly name: string;
  /** `handler`: run by `run`, `start` or `hotqueue worker`. `consumer`: a loop over `consume()` or `deliveries()`, or a `get`. */
  readonly kind: 'handler' | 'consumer';
  /** Host name of its machine. */
  readonly host: string;
  /** Process id on that machine. */
  readonly pid: number;
  /** Name of its process, from `hotqueue worker --name` or `HOTQUEUE_NAME`; empty if it has none. */
  readonly process: string;
  /** Start of its process: Unix ms, by its own clock. */
  readonly startedAt: number;
  /** Resident memory of its process in bytes, at its last heartbeat; 0 if a worker of an earlier version did not say it. */
  readonly memoryBytes: number;
  /** How many messages it handles at the same time at most. */
  readonly concurrency: number;
  /** `quiet`: it was asked to take no new messages. `stopping`: it finishes its active messages, then leaves. */
  readonly status: 'working' | 'quiet' | 'stopping';
  /** Attempts that succeeded since it joined. */
  readonly done: number;
  /** Attempts that failed since it joined: the message was retried or buried. */
  readonly failed: number;
  /** Number of active messages of this worker: those that its handler is working on, and those that it has prefetched. */
  readonly active: number;
  /** The messages that its handler is working on: the first 20. */
  readonly activeMessages: readonly ActiveMessage[];
  /** End of its lease: Unix ms, by the clock of the Redis server. */
  readonly leaseUntil: number;
}

/** Longer than the usual interval between two calls of `watch`. If it were shorter, workers would stop reporting in between. */
const watchMs = 5_000;

/**
 * The workers of a queue, as `queue.workers`: list them, or send them a command (quiet, resume, stop).
 *
 * A worker reads a command with its next heartbeat, at most a third of a lease later: within 10 s by default. Sending a command
 * also calls {@link watch}, so busy workers read it sooner. Every method throws QueueClosedError after `queue.close()`, and
 * RedisUnreachableError if Redis does not answer for 10 s.
 *
 * @example
 * ```ts
 * for (const worker of await queue.workers.list()) {
 *   if (worker.kind === 'handler') await queue.workers.quiet(worker.id);
 * }
 * ```
 */
export class QueueWorkers {
  constructor(private readonly context: QueueContext) {}

  /**
   * All registered workers, the oldest process first. The data is from their last heartbeat, at most a third of a lease ago.
   *
   * @example
   * ```ts
   * console.log((await queue.workers.list()).map(({ name, status }) => `${name}: ${status}`));
   * ```
   */
  async list(): Promise<WorkerInfo[]> {
    this.context.admit();
    const { reader } = this.context.broker;
    const [leases, reports] = await Promise.all([reader.leases(), reader.heartbeats()]);
    return leases
      .map(({ worker, endsAt }) => viewOf(worker, this.context.name, endsAt, reports[worker] ?? ''))
      .sort(byAge);
  }

  /**
   * Asks all workers of the queue to send a heartbeat every second, for five seconds. Call it again to continue. A worker
   * notices it with its next take or heartbeat.
   *
   * @example
   * ```ts
   * setInterval(async () => {
   *   await queue.workers.watch();
   *   console.log(await queue.workers.list()); // at most about a second old
   * }, 1_000);
   * ```
   */
  async watch(): Promise<void> {
    this.context.admit();
    return this.context.broker.watch(watchMs, tenSeconds);
  }

  /**
   * Asks a worker to take no new messages, until {@link resume}. It finishes its active messages.
   *
   * @throws UnknownWorkerError if no such worker is registered, or if it is a loop over `consume()`
   * @example
   * ```ts
   * await queue.workers.quiet(worker.id);
   * ```
   */
  quiet(id: string): Promise<void> {
    return this.#send(id, 'quiet');
  }

  /**
   * Asks a quiet worker to take messages again.
   *
   * @throws UnknownWorkerError as {@link quiet} does
   * @example
   * ```ts
   * await queue.workers.resume(worker.id);
   * ```
   */
  resume(id: string): Promise<void> {
    return this.#send(id, 'resume');
  }

  /**
   * Asks a worker to stop as on SIGTERM. This stops the whole `run` or `start` that it belongs to, with all its handlers.
   *
   * @throws UnknownWorkerError as {@link quiet} does
   * @example
   * ```ts
   * await queue.workers.stop(worker.id);
   * ```
   */
  stop(id: string): Promise<void> {
    return this.#send(id, 'stop');
  }

  async #send(id: string, command: WorkerCommand): Promise<void> {
    const found = (await this.list()).find((worker) => worker.id === id);
    if (!found)
      throw new UnknownWorkerError(
        id,
        this.context.name,
        'it is not registered, so it may have left; workers.list() shows the registered workers',
      );
    if (found.kind === 'consumer')
      throw new UnknownWorkerError(
        id,
        this.context.name,
        `it is a consume() loop in process ${found.pid} on ${found.host}, and only that program can end it`,
      );
    await this.context.broker.command(id, command, tenSeconds);
    await this.watch(); // a worker that takes a message then sends a heartbeat, which reads the command, one second later
  }
}

/** A worker by its heartbeat report. */
export function viewOf(id: string, queue: string, leaseUntil: number, text: string): WorkerInfo {
  const [, handled = '0', failed = '0', json] = /^(\d+) (\d+) (\{.*\})$/s.exec(text) ?? [];
  const report = json === undefined ? unknown : reportIn(json);
  const { name, kind, host, pid, process, startedAt, memoryBytes = 0, concurrency, status, active } = report;
  const activeMessages = report.activeMessages.map(([message, attempt, since]) => ({ id: message, attempt, since }));
  return {
    id,
    queue,
    name,
    kind,
    host,
    pid,
    process,
    startedAt,
    memoryBytes,
    concurrency,
    status,
    done: Number(handled),
    failed: Number(failed),
    active,
    activeMessages,
    leaseUntil,
  };
}

/** Another program may have written the report: only one of our form is shown. */
function reportIn(json: string): HeartbeatReport {
  try {
    const report = JSON.parse(json) as HeartbeatReport;
    const isOurs = typeof report.name === 'string' && typeof report.startedAt === 'number';
    return isOurs && report.activeMessages.every(Array.isArray) ? report : unknown;
  } catch {
    return unknown;
  }
}

/** Shown for a worker without a readable report: it runs another version, or it has only just joined. */
const unknown: HeartbeatReport = {
  name: 'unknown',
  kind: 'consumer',
  host: '',
  pid: 0,
  process: '',
  startedAt: 0,
  memoryBytes: 0,
  concurrency: 1,
  status: 'working',
  active: 0,
  activeMessages: [],
};

/** The oldest process first. */
export const byAge = (one: WorkerInfo, other: WorkerInfo): number =>
  one.startedAt - other.startedAt || (one.id < other.id ? -1 : 1);
