import { FlowTooLargeError } from '../core/errors.js';
import { inPortions } from '../core/in-portions.js';
import type { JobStatus } from '../core/job.js';
import { brokerOf, refIn, refText, type JobRef } from '../jobs/job-ref.js';
import type { Job, JobHandle } from '../jobs/job.js';
import type { Connection } from '../redis/connection.js';
import { endsIn, mapEnds, type Ends } from './ends.js';
import { Flow } from './flow.js';
import { parentsFirst } from './parents-first.js';
import { tenSeconds } from '../redis/reading.js';

/** A job of a flow, as Redis has it. Jobs are written as `refText` does. */
export interface StoredStep {
  readonly ref: JobRef;
  /** `undefined` if it has no record. */
  readonly status: JobStatus | undefined;
  readonly after: readonly string[];
}

export interface StoredFlow {
  /** Parents before children. */
  readonly steps: ReadonlyMap<string, StoredStep>;
  /** The jobs that end it; absent for a job that is in no flow. */
  readonly ends: Ends<string> | undefined;
}

const mostSteps = 50_000;

/** The jobs that a job waits for, those that wait for it, those that end the same flow, and so on. No steps if it has no record. @throws FlowTooLargeError */
export async function readFlow(connection: Connection, ref: JobRef): Promise<StoredFlow> {
  const found = new Map<string, StoredStep>();
  const lists: Ends<string>[] = [];
  for (let open = new Set([refText(ref)]); open.size > 0;) {
    if (found.size + open.size > mostSteps) throw new FlowTooLargeError(ref.queue, ref.id, mostSteps);
    const next = new Set<string>();
    await inPortions([...open], async (text) => {
      const { step, beside, list } = await readStep(connection, refIn(text));
      if (step.status === undefined && found.size === 0) return;
      found.set(text, step);
      if (list !== undefined) lists.push(list);
      for (const one of [...step.after, ...beside]) next.add(one);
    });
    open = new Set([...next].filter((text) => !found.has(text)));
  }
  const byId = [...found].sort(([, one], [, other]) => (one.ref.id < other.ref.id ? -1 : 1)).map(([text]) => text);
  const sorted = parentsFirst(byId, (text) => found.get(text)!.after.filter((parent) => found.has(parent)));
  const steps = new Map(sorted.map((text) => [text, found.get(text)!]));
  return { steps, ends: endsOf(steps, lists) };
}

async function readStep(connection: Connection, ref: JobRef) {
  const { jobs, flows } = brokerOf(connection, ref);
  const [status, parents, { children, ends }] = await Promise.all([
    jobs.mend(ref.id, tenSeconds),
    flows.parents(ref.id, tenSeconds),
    flows.links(ref.id, tenSeconds),
  ]);
  const list = ends?.startsWith('[') ? (JSON.parse(ends) as Ends<string>) : undefined;
  const beside = list !== undefined ? endsIn(list) : ends !== undefined ? [ends] : [];
  const step: StoredStep = { ref, status, after: parents.map(({ text }) => text) };
  return { step, beside: [...children, ...beside], list };
}

/** The jobs for which no other one waits: in the form in which they were put, unless other jobs were put behind some of them. */
function endsOf(steps: StoredFlow['steps'], lists: readonly Ends<string>[]): Ends<string> | undefined {
  const awaited = new Set([...steps.values()].flatMap(({ after }) => after));
  const last = [...steps.keys()].filter((text) => !awaited.has(text));
  const list = lists.find((one) => {
    const ends = new Set(endsIn(one));
    return ends.size === last.length && last.every((text) => ends.has(text));
  });
  if (list !== undefined) return list;
  return last.length > 1 ? last : steps.size > 1 ? last[0] : undefined;
}

/** @param jobOf makes the handle of a job in any queue */
export function flowFrom({ steps, ends }: StoredFlow, jobOf: (ref: JobRef) => JobHandle): Flow {
  const jobs = new Map([...steps].map(([text, { ref }]) => [text, jobOf(ref) as Job]));
  const edges = new Map([...steps.values()].map(({ ref, after }) => [ref.id, after.map((text) => refIn(text).id)]));
  return new Flow(
    [...jobs.values()],
    edges,
    mapEnds(ends!, (text) => jobs.get(text)!),
  );
}
