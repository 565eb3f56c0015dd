import { afterParents } from '../jobs/after.js';
import { brokerOf, refIn } from '../jobs/job-ref.js';
import { mostPutMs } from '../jobs/flow-start.js';
import type { Broker } from '../redis/broker.js';
import { tenSeconds } from '../redis/reading.js';

/** So many jobs are looked at, and so many parents of each. */
const mostJobs = 1_000;
const mostParents = 1_000;

/** Jobs that wait for others, and will not go on, as no process looks at them. */
export interface HeldJobs {
  /** All of their parents have ended. */
  readonly ready: number;
  /** One of their parents has no record. */
  readonly withoutParent: number;
  /** Their flows were never put as a whole. */
  readonly unstarted: number;
  /** Ids of those that Redis does not list as waiting, or of which it does not know for what they wait: no process ever looks at them. */
  readonly unlisted: readonly string[];
}

type Why = 'ready' | 'withoutParent' | 'unstarted' | 'unlisted';

/** @param longAgo maintenance looks at each such job every few seconds; without a look since this time, no process does. Unix ms */
export async function heldJobs(broker: Broker, longAgo: number): Promise<HeldJobs> {
  const { connection, keys } = broker;
  const ids = await connection.call(
    (client) => client.zrangebyscore(keys.delayed, afterParents, afterParents, 'LIMIT', 0, mostJobs),
    tenSeconds,
  );
  const why = new Map<string, Why | undefined>();
  for (const id of ids) why.set(id, await whyHeld(broker, id, longAgo));
  const held = (reason: Why): string[] => ids.filter((id) => why.get(id) === reason);
  return {
    ready: held('ready').length,
    withoutParent: held('withoutParent').length,
    unstarted: held('unstarted').length,
    unlisted: held('unlisted'),
  };
}

async function whyHeld({ connection, keys, flows }: Broker, id: string, longAgo: number): Promise<Why | undefined> {
  const lookedAt = await connection.call((client) => client.zscore(keys.blocked, id), tenSeconds);
  const start = await flows.startOf(id, tenSeconds);
  const parents = start ? [] : await flows.parents(id, tenSeconds);
  if (lookedAt === null || (!start && parents.length === 0)) return 'unlisted';
  if (Number(lookedAt) > longAgo) return undefined;
  if (start) return start.since < longAgo - mostPutMs ? 'unstarted' : undefined;
  const pending = parents.filter(({ how }) => how === '');
  if (pending.length > mostParents) return undefined;
  const states = await Promise.all(
    pending.map(async ({ text }) => {
      const ref = refIn(text);
      const { flows: theirs, jobs } = brokerOf(connection, ref);
      if (await theirs.endOf(ref.id, tenSeconds)) return 'ended';
      return (await jobs.exists(ref.id)) ? 'open' : 'gone';
    }),
  );
  if (states.includes('gone')) return 'withoutParent';
  return states.includes('open') ? undefined : 'ready';
}
