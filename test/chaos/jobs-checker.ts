import type { Remains, Violation } from './checker.js';
import type { Entry } from './history.js';

export interface JobAllowances {
  /** The server may lose the last writes: a job that has ended may run again, and its record may be gone. */
  readonly rollsBack?: boolean;
}

/** News may be lost, so a wait may end this long after its job; and the machine may be busy. */
const latestMs = 5_000 + 5_000;
/** A process that has taken a message hears this late that its job was cancelled. */
const latestCancelMs = 1_000;
const ended = new Set(['done', 'failed', 'cancelled', 'expired']);

interface Story {
  readonly results: Entry[];
  readonly statuses: Entry[];
  readonly starts: Entry[];
  readonly ends: Entry[];
  readonly acks: Entry[];
  readonly buries: Entry[];
  readonly cancels: Entry[];
  /** The handler acknowledged the message itself. */
  readonly ownAcks: Entry[];
  putBy?: string;
  putAt?: number;
  sum?: string;
}

/** Compares what the processes were told of their jobs with what happened to their messages. */
export function checkJobs(entries: readonly Entry[], remains: Remains, allowed: JobAllowances = {}): Violation[] {
  const stories = new Map<string, Story>();
  const keyOf = new Map<string, string>();
  const dead = new Set<string>();
  const faults: number[] = [];
  const storyOf = (key: string): Story => {
    const story = stories.get(key) ?? {
      ...{ results: [], statuses: [], starts: [], ends: [], acks: [], buries: [], cancels: [], ownAcks: [] },
    };
    stories.set(key, story);
    return story;
  };
  for (const entry of entries) {
    if (entry.f === 'fault') {
      faults.push(entry.t);
      if (entry.kind === 'kill') dead.add(entry.target!);
    } else if (entry.f === 'put' && entry.type === 'ok') {
      for (const [index, [key, sum]] of entry.jobs!.entries()) {
        keyOf.set(entry.ids![index]!, key);
        Object.assign(storyOf(key), { putBy: entry.proc, putAt: entry.t, sum });
      }
    } else if (entry.f === 'result') storyOf(entry.key!).results.push(entry);
    else if (entry.f === 'status') storyOf(entry.key!).statuses.push(entry);
    else if (entry.f === 'start') storyOf(entry.key!).starts.push(entry);
    else if (entry.f === 'end') storyOf(entry.key!).ends.push(entry);
    else if (entry.f === 'acks') storyOf(entry.key!).ownAcks.push(entry);
    else if (entry.f === 'cancel') storyOf(entry.key!).cancels.push(entry);
    else if (entry.f === 'ack' || entry.f === 'bury') {
      const key = keyOf.get(entry.id!);
      if (key !== undefined) storyOf(key)[entry.f === 'ack' ? 'acks' : 'buries'].push(entry);
    }
  }
  const violations: Violation[] = [];
  const still = new Set([...remains.waiting, ...remains.delayed, ...remains.active]);
  const buried = new Set(remains.dead);
  for (const [key, story] of stories) {
    const violate = (rule: string, text: string): void => {
      const all = Object.values(story)
        .flat()
        .filter((one): one is Entry => typeof one === 'object');
      const trace = all.sort((a, b) => a.t - b.t).map((one) => JSON.stringify(one));
      violations.push({ rule, text: `${key}: ${text}`, trace });
    };
    if (story.putAt === undefined || dead.has(story.putBy!)) continue;
    const [result, ...others] = story.results;
    if (!result || others.length > 0) {
      violate('hanging wait', `result() ended ${story.results.length} times`);
      continue;
    }
    const wasCancelled = story.cancels.some(({ type }) => type === 'ok');
    if (result.type === 'ok') {
      if (result.text !== story.sum && !(story.ownAcks.length > 0 && result.text === 'undefined'))
        violate('wrong result', `result ${result.text}, but put with ${story.sum}`);
      if (!story.ends.some(({ t }) => t <= result.t))
        violate('early result', 'a result was read before its handler had ended');
      if (wasCancelled) violate('cancelled result', 'a job was cancelled, and has a result');
      if (!allowed.rollsBack && (still.has(key) || buried.has(key)))
        violate('result without acknowledgement', 'a result was read, and its message is still in Redis');
      const later = story.starts.find(({ t }) => t > result.t + 50);
      if (later && !allowed.rollsBack)
        violate('result without acknowledgement', 'a result was read, and its message ran again');
    }
    if (result.text === 'JOB_FAILED' && !buried.has(key) && story.buries.length === 0 && !allowed.rollsBack)
      violate('wrong end', 'its result said that it has failed, and it is no dead letter');
    const cancelledAt = story.cancels.find(({ type }) => type === 'ok')?.t ?? Infinity;
    if (story.starts.some(({ t }) => t > cancelledAt + latestCancelMs)) violate('cancelled run', 'a cancelled job ran');
    if (result.text === 'JOB_CANCELLED' && story.cancels.length === 0) violate('wrong end', 'it was never cancelled');
    const end = [...story.acks, ...story.buries].sort((a, b) => a.t - b.t)[0];
    if (end && !wasCancelled) {
      const since = Math.max(end.t, story.putAt, ...faults.filter((t) => t <= result.t));
      const isRolledBack = result.text === 'RESULT_GONE' && allowed.rollsBack === true; // the server has lost the put
      if ((result.text === 'RESULT_TIMEOUT' || result.text === 'RESULT_GONE') && !isRolledBack)
        violate('lost result', `its message was settled, and result() rejected with ${result.text}`);
      else if (result.t - since > latestMs)
        violate('late result', `its result came ${Math.round(result.t - since)} ms after its end`);
    }
    if (
      buried.has(key) &&
      result.text !== 'JOB_FAILED' &&
      result.text !== 'JOB_EXPIRED' &&
      !wasCancelled &&
      !allowed.rollsBack
    )
      violate('lost result', `its message is a dead letter, and its result said ${result.text}`);
    const over = story.statuses.findIndex(({ kind }) => ended.has(kind!));
    if (over >= 0 && over < story.statuses.length - 1 && !allowed.rollsBack)
      violate('status', `its status was ${story.statuses[over + 1]!.kind} after ${story.statuses[over]!.kind}`);
  }
  return violations;
}
