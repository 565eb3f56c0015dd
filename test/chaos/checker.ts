import type { Entry } from './history.js';

/** What Redis holds at the end of a run: the keys of the messages, by state. */
export interface Remains {
  readonly waiting: readonly string[];
  readonly delayed: readonly string[];
  readonly active: readonly string[];
  readonly dead: readonly string[];
}

/** What a scenario allows on top of the rules for every run. */
export interface Allowances {
  /** Redis may lose writes that it acknowledged this many ms before it was killed (`appendfsync everysec`). */
  readonly forgetsMs?: number;
  /** Leases may be lost: the scenario cuts a worker off for longer than its lease. */
  readonly losesLeases?: boolean;
  /** A master may be frozen until another one is promoted. Ms after it thaws within which it may still execute and acknowledge calls that it received before. */
  readonly outlivesPlaceMs?: number;
  /** Messages may still be in Redis at the end. */
  readonly leavesBehind?: boolean;
  /** First runs must be in the order of the puts: one consumer, concurrency 1. */
  readonly inOrder?: boolean;
  /** No worker may be recovered. */
  readonly noRecovery?: boolean;
}

export interface Violation {
  readonly rule: string;
  readonly text: string;
  /** The events of the message, one line each. */
  readonly trace: readonly string[];
}

export interface Verdict {
  readonly ok: boolean;
  readonly counters: Readonly<Record<string, number>>;
  readonly violations: readonly Violation[];
}

interface Run {
  readonly key: string;
  readonly id: string;
  readonly attempt: number;
  readonly proc: string;
  readonly startedAt: number;
  endedAt?: number;
  /** Why another worker may run the message, and from when. */
  ending?: { readonly why: string; readonly at: number };
  isSpent?: boolean;
  /** The library emitted its event for this retry or release. */
  isTold?: boolean;
}

interface Story {
  readonly key: string;
  sum?: string;
  invokedAt?: number;
  ackedAt?: number;
  refused?: boolean;
  readonly ids: Set<string>;
  readonly runs: Run[];
  /** The scenario deleted it on purpose. */
  isDestroyed?: boolean;
  /** Its events `ack` and `bury`. */
  readonly ends: { readonly verb: string; readonly at: number; readonly proc: string }[];
  readonly entries: Entry[];
  /**
   * When it is due, and the attempt that asked for it; 0 if the put did. If the worker died before Redis got the retry, the same
   * attempt runs again, and is not delayed.
   */
  due?: { readonly at: number; readonly afterAttempt: number };
}

/** Compares the histories of all processes with what Redis holds: one pass over the entries, then one over the messages. */
export function check(entries: readonly Entry[], remains: Remains, allowed: Allowances = {}): Verdict {
  const books = new Books(allowed);
  for (const entry of entries) books.enter(entry);
  return books.close(remains);
}

class Books {
  readonly #stories = new Map<string, Story>();
  readonly #keyOfId = new Map<string, string>();
  readonly #openRuns = new Map<string, Run>();
  readonly #runsOfProc = new Map<string, Run[]>();
  readonly #redisKills: number[] = [];
  readonly #redisThaws: number[] = [];
  /** Until when workers may not know that their leases were ended from outside, Unix ms. */
  #leasesEndUntil = 0;
  /** When each process was frozen or stalled, and how many of its runs started late. */
  readonly #pauses = new Map<string, number[]>();
  readonly #late = new Map<string, number>();
  readonly #violations: Violation[] = [];
  readonly #order: string[] = [];
  readonly #counters: Record<string, number> = {
    acked: 0,
    unknown: 0,
    refused: 0,
    runs: 0,
    retries: 0,
    faults: 0,
    kills: 0,
    redisKills: 0,
    lost: 0,
    dead: 0,
    still: 0,
    duplicated: 0,
    allowed: 0,
    unexplained: 0,
    recovered: 0,
  };

  constructor(private readonly allowed: Allowances) {}

  enter(entry: Entry): void {
    switch (entry.f) {
      case 'put':
        return this.#put(entry);
      case 'start':
        return this.#start(entry);
      case 'end':
        return this.#end(entry);
      case 'aborted':
        return this.#abort(entry);
      case 'gives':
        return this.#give(entry);
      case 'due':
        return void (this.#story(entry.key!).due = { at: entry.due!, afterAttempt: entry.attempt ?? 0 });
      case 'ack':
      case 'bury':
      case 'retry':
      case 'release':
      case 'lost':
        return this.#settle(entry);
      case 'fault':
        return this.#fault(entry);
      case 'exit':
        return this.#exit(entry);
      case 'destroyed':
        return this.#destroy(entry);
      case 'broken':
        return this.#violate('assertion', entry.text!, []);
      case 'warn':
        if (/ stopped renewing its lease: /.test(entry.text!)) {
          this.#count('recovered');
          if (this.allowed.noRecovery)
            this.#violate('recovery', `a worker was recovered although none died: ${entry.text}`, []);
        }
        return;
      case 'uncaught':
        return this.#violate('uncaught', `${entry.proc}: ${entry.text}`, []);
    }
  }

  close(remains: Remains): Verdict {
    const still = new Set([...remains.waiting, ...remains.delayed, ...remains.active]);
    const dead = new Set(remains.dead);
    this.#inPlace(remains);
    for (const story of this.#stories.values()) {
      this.#putOnce(story);
      this.#notLost(story, still, dead);
      this.#explained(story, still);
      this.#alone(story);
      this.#settledOnce(story);
    }
    this.#inOrder();
    this.#counters.dead = remains.dead.length;
    this.#counters.still = still.size;
    return { ok: this.#violations.length === 0, counters: this.#counters, violations: this.#violations };
  }

  // ---------------------------------------------------------------- reading

  #story(key: string): Story {
    let story = this.#stories.get(key);
    if (!story) this.#stories.set(key, (story = { key, ids: new Set(), runs: [], ends: [], entries: [] }));
    return story;
  }

  #put(entry: Entry): void {
    for (const [index, [key, sum]] of entry.jobs!.entries()) {
      const story = this.#story(key);
      story.entries.push(entry);
      if (entry.type === 'invoke') {
        story.sum = sum;
        story.invokedAt = entry.t;
        this.#order.push(key);
      }
      if (entry.type === 'ok') {
        story.ackedAt = entry.t;
        this.#count('acked');
        if (entry.ids?.[index]) this.#keyOfId.set(entry.ids[index], key);
      }
      if (entry.type === 'info') this.#count('unknown');
      if (entry.type === 'fail') {
        story.refused = true;
        this.#count('refused');
      }
    }
  }

  #start(entry: Entry): void {
    const key = entry.key!;
    const story = this.#story(key);
    story.entries.push(entry);
    const run: Run = { key, id: entry.id!, attempt: entry.attempt!, proc: entry.proc, startedAt: entry.t };
    story.runs.push(run);
    story.ids.add(run.id);
    this.#keyOfId.set(run.id, key);
    this.#openRuns.set(runOf(entry), run);
    let runs = this.#runsOfProc.get(entry.proc);
    if (!runs) this.#runsOfProc.set(entry.proc, (runs = []));
    runs.push(run);
    if (entry.wall <= this.#leasesEndUntil) this.#seal(run, 'lost', entry.t);
    this.#count('runs');
    if (story.invokedAt === undefined) this.#violate('never put', `${key} ran, but was never put`, story.entries);
    else if (story.sum !== entry.sum)
      this.#violate(
        'changed',
        `${key} was put with checksum ${story.sum}, but ran with checksum ${entry.sum}`,
        story.entries,
      );
    if (story.refused) this.#violate('refused', `the put of ${key} was refused, but ${key} ran`, story.entries);
    const { due } = story;
    if (due && entry.attempt! > due.afterAttempt && entry.wall < due.at - 1)
      this.#violate('early', `${key} ran ${due.at - entry.wall} ms before it was due`, story.entries);
  }

  #end(entry: Entry): void {
    const run = this.#openRuns.get(runOf(entry));
    this.#story(entry.key!).entries.push(entry);
    if (run) run.endedAt = entry.t;
    else this.#violate('never started', `${entry.key} ended in ${entry.proc}, but never started there`, []);
  }

  /** The handler asks for a retry or a release. The library's own event may be missing: only a call that Redis answered with "done" emits it. */
  #give(entry: Entry): void {
    const run = this.#openRuns.get(runOf(entry));
    if (!run) return;
    run.endedAt = entry.t;
    this.#seal(run, entry.kind!, entry.t);
    if (entry.kind === 'retry') this.#count('retries');
  }

  /**
   * At its shutdown deadline, a worker aborts the signals of handlers that still run, and releases their messages. A worker that
   * cannot reach Redis gives up its lease. Then a message may also run again after its handler ended, if Redis has not replied to
   * its acknowledgement.
   */
  #abort(entry: Entry): void {
    this.#story(entry.key!).entries.push(entry);
    const run = this.#openRuns.get(runOf(entry));
    const why = /did not finish in time/.test(entry.text ?? '') ? 'left' : 'lost';
    const isAcked = run === undefined || !this.#runsOfProc.get(run.proc)?.includes(run);
    if (run && (run.endedAt === undefined || (why === 'lost' && !isAcked))) this.#seal(run, why, entry.t);
  }

  #settle(entry: Entry): void {
    const key = this.#keyOfId.get(entry.id!);
    if (key === undefined) return; // buried before a handler ran: its payload is invalid
    const story = this.#story(key);
    story.entries.push(entry);
    const run = this.#openRuns.get(runOf(entry));
    if (entry.f === 'ack' || entry.f === 'bury') story.ends.push({ verb: entry.f, at: entry.t, proc: entry.proc });
    else if (run && !this.#isToldLate(entry, story)) this.#seal(run, entry.f, entry.t);
    if (entry.f !== 'ack' || !run) return;
    if (run.endedAt === undefined && !this.#isOfRolledBackRun(run, story))
      this.#violate('early ack', `${key} was acknowledged before its handler ended`, story.entries);
    this.#forgetRun(run);
  }

  /**
   * Whether this event belongs to a run whose handler asked for a retry or release earlier. The library emits the event when
   * Redis has replied. If replies were lost, the next run of the message may have started by then. After a release, that run
   * has the same attempt number.
   */
  #isToldLate(entry: Entry, { runs }: Story): boolean {
    const run = runs.find((one) => !one.isTold && one.ending?.why === entry.f && runOf(one) === runOf(entry));
    if (run) run.isTold = true;
    return run !== undefined;
  }

  #fault(entry: Entry): void {
    this.#count('faults');
    if (entry.kind === 'redis-kill') {
      this.#count('redisKills');
      this.#redisKills.push(entry.t);
    }
    if (entry.kind === 'redis-thaw') this.#redisThaws.push(entry.t);
    if (entry.kind === 'leases-end') this.#endLeases(entry);
    if (entry.kind === 'kill') this.#count('kills');
    if (entry.kind !== 'kill' && entry.kind !== 'freeze' && entry.kind !== 'stall') return;
    if (entry.kind !== 'kill') this.#pauses.set(entry.target!, [...(this.#pauses.get(entry.target!) ?? []), entry.t]);
    for (const run of this.#runsOfProc.get(entry.target!) ?? []) {
      if (entry.kind === 'kill' && !run.ending) this.#count('in flight at kills');
      this.#seal(run, entry.kind, entry.t);
    }
    if (entry.kind === 'kill') this.#runsOfProc.delete(entry.target!);
  }

  /**
   * The leases of all workers were ended from outside. Others may run their messages from now on, also those that a worker has
   * taken before and begins only now. Until `due`, each worker hears of it with its next call.
   */
  #endLeases({ t, due }: Entry): void {
    this.#leasesEndUntil = due!;
    for (const run of [...this.#runsOfProc.values()].flat()) this.#seal(run, 'lost', t);
  }

  #destroy({ jobs }: Entry): void {
    for (const [key] of jobs!) {
      this.#story(key).isDestroyed = true;
      this.#count('destroyed');
    }
  }

  /** A process that stops cleanly releases the messages that it still runs. */
  #exit(entry: Entry): void {
    for (const run of this.#runsOfProc.get(entry.target!) ?? [])
      if (run.endedAt === undefined) this.#seal(run, 'left', entry.t);
    this.#runsOfProc.delete(entry.target!);
  }

  #seal(run: Run, why: string, at: number): void {
    if (why === 'lost' && run.ending) return;
    run.ending ??= { why, at };
  }

  #forgetRun(run: Run): void {
    const runs = this.#runsOfProc.get(run.proc);
    const at = runs?.indexOf(run) ?? -1;
    if (runs && at >= 0) runs.splice(at, 1);
  }

  // ---------------------------------------------------------------- rules

  #inPlace(remains: Remains): void {
    const { waiting, delayed, active, dead } = remains;
    for (const [place, keys] of Object.entries({ waiting, delayed, active, dead })) {
      if (place !== 'dead' && keys.length > 0 && !this.allowed.leavesBehind) {
        this.#violate(
          'stuck',
          `${keys.length} message(s) are still ${place}, the first is ${keys[0]}`,
          this.#stories.get(keys[0]!)?.entries ?? [],
        );
      }
      for (const key of keys)
        if (!this.#stories.has(key)) this.#violate('never put', `${key} is in Redis (${place}), but was never put`, []);
    }
    const twice = doubles([...waiting, ...delayed, ...active, ...dead]);
    for (const key of twice)
      this.#violate('duplicate', `${key} is in Redis more than once`, this.#stories.get(key)?.entries ?? []);
  }

  /** I3: one put stores one message. */
  #putOnce({ key, ids, entries }: Story): void {
    if (ids.size > 1) this.#violate('duplicate', `${key} was put once, but ran under ${ids.size} message ids`, entries);
  }

  /** I1: a message whose put was acknowledged is done, dead or still in Redis. */
  #notLost({ key, ackedAt, isDestroyed, runs, entries }: Story, still: Set<string>, dead: Set<string>): void {
    if (ackedAt === undefined || isDestroyed || still.has(key) || dead.has(key)) return;
    if (runs.some((run) => run.endedAt !== undefined && !isGiven(run))) return;
    if (this.#isForgotten(ackedAt)) return this.#count('forgotten');
    this.#count('lost');
    this.#violate('lost', `the put of ${key} was acknowledged, but ${key} is neither done nor in Redis`, entries);
  }

  /** I9: each run after the first has its cause in an earlier run. */
  #explained(story: Story, still: Set<string>): void {
    const { runs, key } = story;
    for (let index = 1; index < runs.length; index++) {
      const run = runs[index]!;
      const cause = runs
        .slice(0, index)
        .find(
          (earlier) =>
            earlier.ending &&
            !earlier.isSpent &&
            this.#isAllowed(earlier.ending.why) &&
            earlier.ending.at <= run.startedAt + 5,
        );
      const isAsked = cause !== undefined && isGiven(cause);
      if (!isAsked) this.#count('duplicated');
      if (cause) {
        cause.isSpent = true;
        if (isAsked) continue;
        this.#count('allowed');
        this.#count(`after ${cause.ending!.why}`);
      } else if (
        run.ending &&
        !run.isSpent &&
        !isGiven(run) &&
        run.ending.why !== 'kill' &&
        this.#isAllowed(run.ending.why) &&
        this.#mayBeLate(run)
      ) {
        // This process took the message first, but started the handler late, because it was frozen or stalled in between.
        run.isSpent = true;
        this.#count('allowed');
        this.#count('late');
      } else if (this.#isRolledBack(runs[index - 1]!, run)) {
        this.#count('allowed');
        this.#count('after rollback');
      } else {
        this.#count('unexplained');
        this.#violate(
          'unexplained',
          `${key} ran again in ${run.proc}, but nothing had interrupted its earlier run`,
          story.entries,
        );
      }
    }
    const last = runs.at(-1);
    if (last?.endedAt !== undefined && !last.ending && still.has(key) && !this.allowed.leavesBehind) {
      this.#violate('unsettled', `${key} is done, but still in Redis`, story.entries);
    }
  }

  /** A process checks its lease before it starts a handler. So each freeze or stall between check and start makes one start late. */
  #mayBeLate({ proc, startedAt }: Run): boolean {
    const pauses = (this.#pauses.get(proc) ?? []).filter((at) => at <= startedAt).length;
    const late = (this.#late.get(proc) ?? 0) + 1;
    this.#late.set(proc, late);
    return late <= pauses;
  }

  #isAllowed(why: string): boolean {
    return why !== 'lost' || this.allowed.losesLeases === true;
  }

  /** I4: two runs of one message overlap only if the first was given up, killed or frozen before. */
  #alone({ runs, key, entries }: Story): void {
    for (let index = 1; index < runs.length; index++) {
      const run = runs[index]!;
      for (const earlier of runs.slice(0, index)) {
        const until = Math.min(
          earlier.endedAt ?? Infinity,
          earlier.ending && this.#isAllowed(earlier.ending.why) ? earlier.ending.at : Infinity,
        );
        if (until > run.startedAt + 5)
          this.#violate('overlap', `${key} ran in ${earlier.proc} and in ${run.proc} at the same time`, entries);
      }
    }
  }

  /** I6: a message is settled once. If a failover lost a take, the message runs again, and both runs may be acknowledged. */
  #settledOnce({ key, ends, runs, entries }: Story): void {
    if (ends.length <= 1) return;
    const rolledBack = runs.filter((run, index) => index > 0 && this.#isRolledBack(runs[index - 1]!, run)).length;
    if (ends.length <= 1 + rolledBack) return;
    if (
      this.#redisKills.some(
        (at) => this.allowed.forgetsMs !== undefined && at > ends[0]!.at && at - ends[0]!.at <= this.allowed.forgetsMs,
      )
    )
      return;
    if (
      this.#redisThaws.some(
        (at) =>
          this.allowed.outlivesPlaceMs !== undefined && Math.abs(ends[0]!.at - at) <= this.allowed.outlivesPlaceMs,
      )
    )
      return;
    this.#violate(
      'settled twice',
      `${key} was settled ${ends.length} times: ${ends.map(({ verb, proc }) => `${verb} in ${proc}`).join(', ')}`,
      entries,
    );
  }

  /** I7: first runs are in the order of the puts. */
  #inOrder(): void {
    if (!this.allowed.inOrder) return;
    const first = [...this.#stories.values()]
      .filter(({ runs }) => runs.length > 0)
      .sort((a, b) => a.runs[0]!.startedAt - b.runs[0]!.startedAt);
    const place = new Map(this.#order.map((key, index) => [key, index]));
    for (let index = 1; index < first.length; index++) {
      const [before, after] = [first[index - 1]!, first[index]!];
      if (place.get(before.key)! > place.get(after.key)!)
        this.#violate('order', `${after.key} was put before ${before.key}, but ran after it`, after.entries);
    }
  }

  /** Whether Redis may have lost what it acknowledged then. */
  #isForgotten(at: number): boolean {
    const { forgetsMs, outlivesPlaceMs } = this.allowed;
    // The entry is written a moment before or after the signal, and a reply that was sent before may be read after it.
    if (forgetsMs !== undefined && this.#redisKills.some((kill) => kill - at >= -100 && kill - at <= forgetsMs))
      return true;
    return (
      outlivesPlaceMs !== undefined &&
      this.#redisThaws.some((thaw) => at - thaw >= -100 && at - thaw <= outlivesPlaceMs)
    );
  }

  /** Whether Redis lost the settlement of the earlier run, or the take before it. */
  #isRolledBack(earlier: Run, run: Run): boolean {
    const { forgetsMs } = this.allowed;
    if (forgetsMs === undefined) return false;
    return this.#redisKills.some(
      (kill) => kill < run.startedAt && kill - (earlier.endedAt ?? earlier.startedAt) <= forgetsMs,
    );
  }

  /** Whether this worker had the message before a failover lost that take: then an acknowledgement may be of the earlier run. */
  #isOfRolledBackRun(run: Run, { runs }: Story): boolean {
    return runs.some(
      (earlier) =>
        earlier !== run &&
        runOf(earlier) === runOf(run) &&
        earlier.endedAt !== undefined &&
        this.#isRolledBack(earlier, run),
    );
  }

  #count(what: string): void {
    this.#counters[what] = (this.#counters[what] ?? 0) + 1;
  }

  #violate(rule: string, text: string, trace: readonly Entry[]): void {
    this.#violations.push({ rule, text, trace: trace.slice(0, 30).map((entry) => line(entry)) });
  }
}

/** Whether its handler asked for another run. */
function isGiven({ ending }: Run): boolean {
  return ending?.why === 'retry' || ending?.why === 'release';
}

function runOf({ proc, id, attempt }: Pick<Entry, 'proc' | 'id' | 'attempt'>): string {
  return `${proc} ${id} ${attempt}`;
}

function line({ t, proc, f, type, id, attempt, kind, target, text }: Entry): string {
  return [t.toFixed(1), proc, f, type, id, attempt, kind, target, text].filter((part) => part !== undefined).join(' ');
}

function doubles(keys: readonly string[]): Set<string> {
  const seen = new Set<string>();
  const twice = new Set<string>();
  for (const key of keys) {
    if (seen.has(key)) twice.add(key);
    seen.add(key);
  }
  return twice;
}

/** The verdict as text: the counters, then the first violations with their traces. */
export function report({ ok, counters, violations }: Verdict, replay: string): string {
  const figures = Object.entries(counters)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${name} ${count}`);
  const lines = [`${ok ? 'passed' : 'FAILED'}: ${figures.join(', ')}`];
  if (!ok) lines.push(`  ${violations.length} violation(s); repeat with: ${replay}`);
  for (const { rule, text, trace } of violations.slice(0, 10))
    lines.push(`  ${rule}: ${text}`, ...trace.slice(0, 12).map((step) => `      ${step}`));
  return lines.join('\n');
}
