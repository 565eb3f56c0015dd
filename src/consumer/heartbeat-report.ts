import { hostname } from 'node:os';

/** Maximum number of active messages that a heartbeat report lists. */
const mostNamed = 20;

/** Description of a worker. */
export interface WorkerDescription {
  /** Such as `Studio.resize`; `consume()` for a consuming loop. */
  readonly name: string;
  /** A `consumer` is a loop in user code, and takes no commands. */
  readonly kind: 'handler' | 'consumer';
  readonly concurrency: number;
  readonly status: 'working' | 'quiet' | 'stopping';
}

export const consumerDescription: WorkerDescription = {
  name: 'consume()',
  kind: 'consumer',
  concurrency: 1,
  status: 'working',
};

/** Attempts of a worker since it joined: those that succeeded, and those that failed. */
export interface AttemptCounts {
  done: number;
  failed: number;
}

/** What a report names of an active message. */
export interface ReportedMessage {
  readonly id: string;
  readonly attempt: number;
  /** When its handler began, monotonic ms; absent while it waits for a free slot. */
  readonly startedAt: number | undefined;
}

/** Heartbeat report of a worker, which every process can read. Times are in Unix ms. */
export interface HeartbeatReport extends WorkerDescription {
  readonly host: string;
  readonly pid: number;
  /** Name of the process: `hotqueue worker --name`, or `HOTQUEUE_NAME`. */
  readonly process: string;
  /** When the process started. */
  readonly startedAt: number;
  /** Resident memory of the process. */
  readonly memoryBytes: number;
  readonly active: number;
  /** Id, number of the attempt and start of the first 20 active messages. */
  readonly activeMessages: readonly (readonly [id: string, attempt: number, since: number])[];
}

const host = hostname();
const startedAt = Math.round(performance.timeOrigin);

/** One line: two counts, which the scripts read, and JSON, which they do not. */
export function heartbeatReport(
  about: WorkerDescription,
  { done, failed }: AttemptCounts,
  messages: Iterable<ReportedMessage>,
): string {
  const { name, kind, concurrency, status } = about;
  const activeMessages: [string, number, number][] = [];
  let active = 0;
  const sinceWhen = (monotonicMs: number): number => Math.round(Date.now() - performance.now() + monotonicMs);
  for (const message of messages) {
    active += 1;
    if (message.startedAt !== undefined && activeMessages.length < mostNamed)
      activeMessages.push([message.id, message.attempt, sinceWhen(message.startedAt)]);
  }
  const report: HeartbeatReport = {
    name,
    kind,
    concurrency,
    status,
    host,
    pid: process.pid,
    process: process.env['HOTQUEUE_NAME'] ?? '',
    startedAt,
    memoryBytes: process.memoryUsage.rss(),
    active,
    activeMessages,
  };
  return `${done} ${failed} ${JSON.stringify(report)}`;
}
