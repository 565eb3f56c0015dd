import { hasEnded } from '../core/job.js';
import { onAbort } from '../core/on-abort.js';
import { Timer } from '../core/timer.js';
import type { Broker } from '../redis/broker.js';
import { processId } from '../redis/process-id.js';

/** How a job has ended; `status` is `''` if it has no record, and `'late'` if the time of the wait has passed. `result` is the text as it is stored. */
export interface JobEnd {
  readonly status: string;
  readonly result: string | undefined;
}

export interface ResultLimits {
  readonly timeoutMs: number | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Notifications may be lost: at the latest after this time the records are read again. */
const lookMs = 5_000;
/** So many ends of jobs for which nothing waits yet are kept, if they are not longer than so many characters. */
const mostEarly = 1_000;
const mostEarlyCharacters = 1_048_576;
const mendedAtOnce = 100;

/** One call of `result()`. */
class Wait {
  readonly promise: Promise<JobEnd>;
  #resolve!: (end: JobEnd) => void;
  #reject!: (reason: Error) => void;
  #timer: Timer | undefined;
  readonly #forget: (() => void) | undefined;

  constructor(
    readonly id: string,
    { timeoutMs, signal }: ResultLimits,
    private readonly onOver: (wait: Wait) => void,
  ) {
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    if (timeoutMs !== undefined)
      this.#timer = new Timer(timeoutMs, () => this.end({ status: 'late', result: undefined }));
    this.#forget = signal && onAbort(signal, () => this.fail(signal.reason as Error));
  }

  end(end: JobEnd): void {
    this.#stop();
    this.#resolve(end);
  }

  fail(reason: Error): void {
    this.#stop();
    this.#reject(reason);
  }

  #stop(): void {
    this.#timer?.stop();
    this.#forget?.();
    this.onOver(this);
  }
}

/** The waits for one job, and the end of its subscription. */
interface Awaited {
  /** Mostly one. */
  readonly waits: Wait[];
  readonly unlisten: (() => void) | undefined;
}

/**
 * All waits for the ends of jobs of one queue. Their process gets the ends of its own jobs on one channel, and the end of a job that another
 * process has put on the channel of that job. The state is in the record, so each wait reads it when its subscription begins, and
 * again every five seconds. Only a wait for a job that was put after its subscription had begun need not read it first: its end was
 * not published before, or is among the ends that are kept.
 */
export class JobWaits {
  readonly #awaited = new Map<string, Awaited>();
  /** Ids whose records are read in this turn, in one trip. */
  #asked: string[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** Ends the subscription to the jobs of this process. It begins with the first wait, and lasts until the queue closes. */
  #unlisten: (() => void) | undefined;
  /** Number of the subscription to the jobs of this process. It changes when notifications may have been lost; 0 before it begins. */
  subscription = 0;
  /** Ends of jobs of this process for which nothing waits yet, and how many characters they have. */
  readonly #early = new Map<string, string>();
  #earlyCharacters = 0;

  constructor(private readonly broker: Broker) {}

  /**
   * Resolves when the job has ended, or has no record, or the time has passed.
   *
   * @param subscriptionAtPut the value of `subscription` before this process has put the job, 0 if it is not known; `undefined` if another
   *   process has put it
   * @throws the reason of the signal
   */
  wait(id: string, subscriptionAtPut: number | undefined, limits: ResultLimits): Promise<JobEnd> {
    const { signal, timeoutMs } = limits;
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    if (timeoutMs === 0) return Promise.resolve({ status: 'late', result: undefined });
    const wait = new Wait(id, limits, this.#remove);
    this.#add(id, wait, subscriptionAtPut);
    return wait.promise;
  }

  /** The queue is closed: all waits end with this error. */
  close(error: Error): void {
    this.#unlisten?.();
    for (const { waits } of [...this.#awaited.values()]) for (const wait of [...waits]) wait.fail(error);
  }

  #add(id: string, wait: Wait, subscriptionAtPut: number | undefined): void {
    // It keeps the process alive, as a wait should.
    this.#timer ??= setInterval(() => void this.#lookAgain(), lookMs);
    const awaited = this.#awaited.get(id);
    if (awaited) {
      awaited.waits.push(wait);
      return this.#ask(id);
    }
    this.#awaited.set(id, {
      waits: [wait],
      unlisten: subscriptionAtPut === undefined ? this.#listenTo(id) : undefined,
    });
    if (subscriptionAtPut === undefined) return;
    if (this.subscription === 0) return this.#listen(); // which asks for all when it begins
    if (subscriptionAtPut !== this.subscription) return this.#ask(id);
    const early = this.#takeEarly(id);
    if (early !== undefined) this.#onEnd(id, early);
  }

  readonly #remove = (over: Wait): void => {
    const awaited = this.#awaited.get(over.id);
    const place = awaited ? awaited.waits.indexOf(over) : -1;
    if (!awaited || place < 0) return;
    awaited.waits.splice(place, 1);
    if (awaited.waits.length > 0) return;
    awaited.unlisten?.();
    this.#awaited.delete(over.id);
    if (this.#awaited.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  };

  /** Listens to the ends of the jobs that this process has put. */
  #listen(): void {
    const { connection, keys } = this.broker;
    this.#unlisten ??= connection.notifier.listen(keys.ends(processId()), {
      onMessage: (text) => {
        for (const line of text.split('\n')) {
          const space = line.indexOf(' ');
          const id = line.slice(0, space);
          if (this.#awaited.has(id)) this.#onEnd(id, line.slice(space + 1));
          else this.#keepEarly(id, line.slice(space + 1));
        }
      },
      onBegin: () => {
        this.#forgetEarly();
        for (const id of this.#awaited.keys()) this.#ask(id);
      },
    });
  }

  /** Listens to a job of another process. Its record says that it is watched, so its end is published there too. */
  #listenTo(id: string): () => void {
    const { connection, keys, jobs } = this.broker;
    return connection.notifier.listen(keys.job(id), {
      onMessage: (text) => this.#onEnd(id, text),
      onBegin: () => void jobs.watch(id).then(() => this.#ask(id), ignore), // Redis is away: the next look reads again
    });
  }

  /** @param text `done`, a space and the result of the job, or another status */
  #onEnd(id: string, text: string): void {
    if (!this.#awaited.has(id)) return;
    if (text.startsWith('done ')) return this.#end(id, { status: 'done', result: text.slice(5) || undefined });
    if (hasEnded(text)) this.#ask(id);
  }

  #keepEarly(id: string, text: string): void {
    this.#takeEarly(id); // a job that was revived ends again
    this.#early.set(id, text);
    this.#earlyCharacters += text.length;
    if (this.#early.size > mostEarly || this.#earlyCharacters > mostEarlyCharacters) this.#forgetEarly();
  }

  /** From now on the records are read of all jobs that were put before. */
  #forgetEarly(): void {
    this.#early.clear();
    this.#earlyCharacters = 0;
    this.subscription += 1;
  }

  #takeEarly(id: string): string | undefined {
    const text = this.#early.get(id);
    if (text === undefined) return undefined;
    this.#early.delete(id);
    this.#earlyCharacters -= text.length;
    return text;
  }

  #ask(id: string): void {
    if (this.#asked.push(id) === 1) setImmediate(() => void this.#readAsked());
  }

  async #readAsked(): Promise<void> {
    const ids = this.#asked;
    this.#asked = [];
    const ends = await this.broker.jobs.ends(ids).catch(() => []); // Redis is away: the next look reads again
    for (const [index, end] of ends.entries())
      if (end.status === '' || hasEnded(end.status)) this.#end(ids[index]!, end);
  }

  /** Also finds jobs that ended although no worker could publish it: that of a message that was buried because its workers died, or expired. */
  async #lookAgain(): Promise<void> {
    const ids = [...this.#awaited.keys()];
    for (let from = 0; from < ids.length; from += mendedAtOnce) {
      const some = ids.slice(from, from + mendedAtOnce);
      await Promise.allSettled(some.map((id) => this.broker.jobs.mend(id, { withinMs: 0 })));
      for (const id of some) this.#ask(id);
    }
  }

  #end(id: string, end: JobEnd): void {
    const awaited = this.#awaited.get(id);
    if (awaited) for (const wait of [...awaited.waits]) wait.end(end);
  }
}

const ignore = (): void => undefined;
