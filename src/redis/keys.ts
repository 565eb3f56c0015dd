import { InvalidNameError, InvalidOptionError } from '../core/errors.js';
import { jobStatuses, type JobStatus } from '../core/job.js';
import { shown } from '../core/shown.js';

const nameForm = /^[A-Za-z0-9_.:-]{1,128}$/;

/** Every Redis key of one queue. `docs/protocol.md` lists them with their types and content. */
export class Keys {
  /** Waiting messages, head first. The only key without braces: Python's HotQueue uses the same key. */
  readonly base: string;
  readonly high: string;
  readonly low: string;
  /** The message that ended a wake-up wait. Every take empties this list before it reads `base`. */
  readonly inbox: string;
  /** Requeued messages of a plain queue. They have a header, and a header in `base` would break Python's reader. */
  readonly requeued: string;
  /** Quarantine: messages that one more crash buries. A worker holds at most one of them. */
  readonly quarantine: string;
  /** Sorted set: keys in {@link delayedMessages}, scored by due time in server ms. */
  readonly delayed: string;
  readonly delayedMessages: string;
  /** Hash: id of a message → how many of its crashes were none; and claims whose crash was uncounted. See `scripts/uncount-crash.lua`. Expires. */
  readonly uncounted: string;
  /** Sorted set: keys in {@link deadMessages}, scored by time of burial in server ms. */
  readonly dead: string;
  readonly deadMessages: string;
  /** Sorted set: registered workers, scored by the end of their lease in server ms. */
  readonly workers: string;
  /** Registry. Hash: worker → its process, for each worker that joined and neither left nor was recovered, so may have claims. */
  readonly registry: string;
  /** Sorted set: workers that have left, scored by when, for as long as a late join of them could arrive. Expires. */
  readonly left: string;
  /** Hash: worker → its last heartbeat report. */
  readonly heartbeats: string;
  /** Hash: worker → the command for it: `quiet`, `resume` or `stop`. */
  readonly commands: string;
  /**
   * Hash: `paused`, `seen` (last join or heartbeat of any worker), `layout` (of claims), `watched` (until), `done`, `failed`
   * (attempts of workers that have left or were recovered), `history` (see {@link history}), `time`, `ahead` (see `queueTime` in `_lib.lua`), `copies` (how many
   * ids were made unique).
   */
  readonly meta: string;
  /** The lists of waiting messages, in the order in which the scripts declare them. */
  readonly waiting: readonly string[];
  /** Keys that layouts 1 and 2 of claims had under other names. The scripts join and sweep explain what they are for. */
  readonly earlier: { readonly registry: string; readonly requeued: string; readonly quarantine: string };
  /**
   * What all job records share, as `scripts/_jobs.lua` reads it: for each status a sorted set of ids, scored by when the status began;
   * a sorted set of the ids of ended jobs, scored by when their record expires; a hash of unique keys and the ids of their jobs; the outbox.
   */
  readonly jobIndexes: readonly string[];
  /** Hash: id of a job → `<worker>.<take>.<index> <time> <attempt> <name>`, while its message is active, or was when its worker died. */
  readonly jobClaims: string;
  /** Set: ids of jobs of which a worker must read the record before their handler begins: cancelled, expired, watched or replaced ones, and others. */
  readonly jobsToCheck: string;
  /** Hash: unique key → id of its job. */
  readonly unique: string;
  /** Hash: messages that must be put because another message is done or a schedule is due; ends of jobs for which others wait. */
  readonly outbox: string;
  /** Sorted set: ids of jobs that wait for the ends of others, scored by when that was last looked at. */
  readonly blocked: string;
  /** Sorted set: names of the schedules, scored by when they are due next in server ms; `+inf` for those that are paused or over. */
  readonly schedules: string;
  /** What the key of a put batcher has before its id. String: number and result of its last batch. Expires. */
  readonly producers: string;
  /** Stream: an entry for each transition of a message, if the queue has a history. See `scripts/_history.lua`. */
  readonly history: string;
  /** Channel: ids of running jobs that were cancelled. */
  readonly cancellations: string;
  /** What the names of its jobs begin with, see `refText`: `<prefix> <queue> `. */
  readonly jobNames: string;
  /** Set: names of all queues with this prefix. In a cluster it is in another slot, so no script may use it. */
  readonly names: string;
  /** Pattern of SCAN for all keys of the queue but {@link base}. */
  readonly pattern: string;
  readonly #own: string;

  /**
   * @throws InvalidNameError if the name is not 1 to 128 letters, digits and `_ . : -`
   * @throws InvalidOptionError if the prefix is not of this form
   */
  constructor(name: string, prefix = 'hotqueue') {
    if (typeof name !== 'string' || !nameForm.test(name)) throw new InvalidNameError(name);
    if (typeof prefix !== 'string' || !nameForm.test(prefix)) {
      throw new InvalidOptionError(
        'prefix',
        `invalid prefix ${shown(prefix)}: use 1 to 128 letters, digits and _ . : -`,
      );
    }
    this.base = `${prefix}:${name}`;
    // A cluster hashes only the text in braces. So all keys of a queue are in the slot of its base key, and one script may
    // use them all.
    this.#own = `{${this.base}}:`;
    this.pattern = `${this.#own}*`;
    this.high = `${this.#own}high`;
    this.low = `${this.#own}low`;
    this.inbox = `${this.#own}inbox`;
    this.requeued = `${this.#own}requeued`;
    this.quarantine = `${this.#own}quarantine`;
    this.delayed = `${this.#own}delayed`;
    this.delayedMessages = `${this.#own}delayed:messages`;
    this.dead = `${this.#own}dead`;
    this.deadMessages = `${this.#own}dead:messages`;
    this.uncounted = `${this.#own}uncounted`;
    this.workers = `${this.#own}workers`;
    this.registry = `${this.#own}registry`;
    this.left = `${this.#own}left`;
    this.heartbeats = `${this.#own}heartbeats`;
    this.commands = `${this.#own}commands`;
    this.meta = `${this.#own}meta`;
    this.unique = `${this.#own}unique`;
    this.outbox = `${this.#own}outbox`;
    this.blocked = `${this.#own}blocked`;
    this.jobIndexes = [
      ...jobStatuses.map((status) => this.jobIndex(status)),
      `${this.#own}jobs:expiring`,
      this.unique,
      this.outbox,
    ];
    this.jobClaims = `${this.#own}jobs:claims`;
    this.jobsToCheck = `${this.#own}jobs:check`;
    this.schedules = `${this.#own}schedules`;
    this.producers = `${this.#own}producer:`;
    this.history = `${this.#own}history`;
    this.cancellations = `${this.#own}cancellations`;
    this.jobNames = `${prefix} ${name} `;
    this.waiting = [this.quarantine, this.requeued, this.inbox, this.high, this.base, this.low];
    this.earlier = {
      registry: `${this.#own}roll`,
      requeued: `${this.#own}again`,
      quarantine: `${this.#own}suspects`,
    };
    this.names = prefix;
  }

  /** Hash: the claims of this worker. `scripts/_lib.lua` lists its fields. */
  claims(worker: string): string {
    return `${this.#own}claims:${worker}`;
  }

  /**
   * Hash: workers of this process, of any queue, that hold a quarantined message. Expires. In a cluster it is in another slot,
   * so no script may use it.
   */
  quarantineOf(process: string): string {
    return `{${this.names}}:quarantine:${process}`;
  }

  /** Hash: the record of a tracked message. Also the channel on which its changes are published. Expires after the job has ended. */
  job(id: string): string {
    return `${this.#own}job:${id}`;
  }

  /** Channel: the ends of the jobs that a process has put. */
  ends(process: string): string {
    return `${this.#own}ends:${process}`;
  }

  /** Sorted set: ids of the jobs with this status, see {@link jobIndexes}. */
  jobIndex(status: JobStatus): string {
    return `${this.#own}jobs:${status}`;
  }

  /** Hash: what a job waits for, and what became of it. `scripts/parent-ended.lua` lists its fields. */
  parents(id: string): string {
    return `${this.#own}parents:${id}`;
  }

  /** String: `yes` or `no`, whether a flow starts whose first jobs wait for that. Expires. */
  start(flow: string): string {
    return `${this.#own}start:${flow}`;
  }

  /** Hash: a schedule. `scripts/fire.lua` lists its fields. */
  schedule(name: string): string {
    return `${this.#own}schedule:${name}`;
  }

  /** List: the last runs of a schedule as JSON, newest first. */
  scheduleRuns(name: string): string {
    return `${this.#own}runs:${name}`;
  }

  /** String: the batch that stored the message with this id. Only for ids that callers chose. Expires with its window. */
  mark(id: string): string {
    return `${this.#own}id:${id}`;
  }

  /**
   * Hashes of counts, as `scripts/_metrics.lua` writes them: since the queue began, of a minute, and of an hour. Those of a minute and an hour
   * expire.
   *
   * @param at time of the queue in that minute, Unix ms
   */
  metrics(at: number): readonly string[] {
    return [this.metricsTotal, this.metricsOf('minute', at), this.metricsOf('hour', at)];
  }

  /** Hash: counts of the minute or hour with this instant, see {@link metrics}. */
  metricsOf(period: 'minute' | 'hour', at: number): string {
    const seconds = period === 'minute' ? 60 : 3_600;
    return `${this.#own}metrics:${period}:${Math.floor(at / 1_000 / seconds) * seconds}`;
  }

  /** Hash: counts since the queue began, see {@link metrics}. */
  get metricsTotal(): string {
    return `${this.#own}metrics:total`;
  }

  /** String: the reply to this request, which the client may send again. Expires. */
  request(id: string): string {
    return `${this.#own}request:${id}`;
  }
}
