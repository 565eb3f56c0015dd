import { inspect } from 'node:util';
import { HotQueue, HotQueueError, type Counts, type JobStatus } from 'hotqueue';
import { hasColour, paint, safe } from '../cli/output.js';
import { TrackedJob } from '../jobs/job-objects.js';

const patienceMs = 2_000;
/** As many elements of an array as Node prints. */
const mostElements = 100;

/** Formats values for the prompt: a queue with its counts, a tracked job with its status, an error of this library as one sentence. */
export class Writer {
  readonly #counts = new WeakMap<HotQueue, string>();
  readonly #statuses = new WeakMap<TrackedJob, JobStatus | 'unknown'>();

  /** Reads the counts of a queue and the statuses of jobs before they are printed, because Node formats values synchronously. */
  async prepare(value: unknown): Promise<void> {
    const asked = isQueue(value) ? [this.#readCounts(value)] : jobsIn(value).map((job) => this.#readStatus(job));
    if (asked.length === 0) return;
    const late = new Promise((resolve) => setTimeout(resolve, patienceMs).unref());
    await Promise.race([Promise.allSettled(asked), late]);
  }

  async #readCounts(queue: HotQueue): Promise<void> {
    this.#counts.delete(queue);
    this.#counts.set(queue, countsLine(await queue.counts()));
  }

  async #readStatus(job: TrackedJob): Promise<void> {
    this.#statuses.delete(job);
    this.#statuses.set(job, (await job.status()) ?? 'unknown');
  }

  readonly write = (value: unknown): string => safe(this.#textOf(value));

  #textOf(value: unknown): string {
    if (value instanceof HotQueueError) return `${value.name}: ${value.message}`;
    if (value instanceof Error) return withoutOurFrames(inspect(value, { colors: hasColour() }));
    const counts = isQueue(value) && this.#counts.get(value);
    if (counts) return `${paint('cyan', `HotQueue<${value.name}>`)} ${counts}`;
    const shown = Array.isArray(value) && jobsIn(value).length > 0 ? value.map(this.#viewOf) : this.#viewOf(value);
    return inspect(shown, { colors: hasColour() });
  }

  /** A tracked job with its status; any other value as it is. */
  readonly #viewOf = (value: unknown): unknown => {
    const status = isJob(value) && this.#statuses.get(value);
    return status ? Object.assign(new JobView(), { id: value.id, status }, value) : value;
  };
}

/** What the prompt prints of a job. */
const JobView = class Job {};

const isJob = (value: unknown): value is TrackedJob => value instanceof TrackedJob;

/** The tracked jobs that a value prints: itself, or elements of an array. */
function jobsIn(value: unknown): TrackedJob[] {
  return (Array.isArray(value) ? (value as unknown[]).slice(0, mostElements) : [value]).filter(isJob);
}

const isQueue = (value: unknown): value is HotQueue => value instanceof HotQueue;

/** `3 waiting, 1 active`, plus delayed and dead if there are any. */
export function countsLine({ waiting, active, delayed, dead }: Counts): string {
  const rest = [delayed > 0 && `${delayed} delayed`, dead > 0 && `${dead} dead`].filter((part) => part !== false);
  return [`${waiting} waiting`, `${active} active`, ...rest].join(', ');
}

/** Removes the stack frames of the prompt itself: the user looks for frames of the typed code. */
function withoutOurFrames(text: string): string {
  return text.replace(
    // eslint-disable-next-line no-control-regex
    /\n(?:\u001b\[\d+m)*\s+at [^\n]*(?:node:|\/(?:src|dist)\/repl\/|prompt:\d+:\d+)[^\n]*/g,
    (line) => (line.endsWith(' {') ? ' {' : ''),
  );
}
