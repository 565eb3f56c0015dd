import { InvalidOptionError } from '../core/errors.js';
import { inPortions } from '../core/in-portions.js';
import { abandonFlow, startFlow, type HeldJob, type PreparedStep } from '../jobs/flow-start.js';
import { brokerOf, type JobRef } from '../jobs/job-ref.js';
import { placeOfJob } from '../jobs/job-objects.js';
import { newId } from '../wire/id.js';
import { endsIn, mapEnds, type Ends } from './ends.js';
import { Flow } from './flow.js';
import type { Step } from './plan.js';
import { nameOfStep, putTogether, refOfStep, type Together } from './put-together.js';
import { stagesOf } from './stages.js';

const patience = { withinMs: 30_000 };

/**
 * Puts the jobs of a flow, parents before children. If all of them travel in one call, that is all. Otherwise the first ones are held until
 * all are put: they wait for the start of the flow, see `jobs/flow-start.ts`.
 *
 * @throws what a put throws; FlowNotStartedError. None of its jobs runs then. OutcomeUnknownError: all of them may run, as Redis did not answer the
 *   only call
 */
export async function putFlow(steps: readonly Step[], ends: Ends<Step>): Promise<Flow> {
  refuseOtherRedis(steps);
  const stored = new Stored();
  const last = new Set(endsIn(ends));
  try {
    await prepareAll(steps, last, stored.promise);
    await putStages(steps, ends, last);
    stored.resolve();
    for (const { task, prepared } of steps) if (prepared) task.source.onStored(prepared.job.id);
  } catch (error) {
    stored.reject(error);
  }
  await stored.promise;
  return flowOf(steps, ends);
}

/** The flow of steps that are put. */
export function flowOf(steps: readonly Step[], ends: Ends<Step>): Flow {
  const edges = new Map(steps.map(({ job, after }) => [job!.id, after.map((parent) => parent.job!.id)]));
  return new Flow(
    steps.map(({ job }) => job!),
    edges,
    mapEnds(ends, ({ job }) => job!),
  );
}

/** Whether the jobs of a flow are stored. */
class Stored {
  readonly promise: Promise<void>;
  resolve!: () => void;
  reject!: (error: unknown) => void;

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    this.promise.catch(() => undefined);
  }
}

/** Checks and encodes the messages of all steps that can travel together. Most payloads are checked without a promise. */
async function prepareAll(steps: readonly Step[], last: ReadonlySet<Step>, stored: Promise<void>): Promise<void> {
  const later: Promise<void>[] = [];
  for (const step of steps) {
    const isFirst = step.level === 0;
    if (!step.task.canTravel(isFirst)) continue;
    const keep = (prepared: PreparedStep): void => {
      step.prepared = prepared;
      step.job = prepared.job;
    };
    const prepared = step.task.prepare({ isFirst, isEnd: last.has(step), stored });
    if (prepared instanceof Promise) {
      const kept = prepared.then(keep);
      kept.catch(() => undefined); // a later step may throw before anything awaits this
      later.push(kept);
    } else keep(prepared);
  }
  await Promise.all(later);
}

async function putStages(steps: readonly Step[], ends: Ends<Step>, last: ReadonlySet<Step>): Promise<void> {
  const { connection, prefix, queue } = steps[0]!.task.source;
  const children = childrenOf(steps);
  const stages = stagesOf(steps, children);
  const isOneCall = stages.length === 1 && stages[0]!.isTogether;
  const start: JobRef = { prefix, queue, id: newId() };
  const hasEnds = Array.isArray(ends) || steps.length === 1;
  const endsKnown = hasEnds && [...last].every(({ prepared }) => prepared);
  const flow: Together = {
    start: isOneCall ? undefined : start,
    children,
    endsAt: endsKnown ? endTexts(ends) : () => '',
  };
  const held: HeldJob[] = [];
  try {
    for (const { isTogether, steps: some } of stages) {
      if (!isTogether) {
        await inPortions(some, (step) => putAlone(step, start, held));
        continue;
      }
      for (const step of some) refuseRepeated(step);
      if (!isOneCall)
        held.push(...some.filter(({ level }) => level === 0).map((step) => ({ job: refOfStep(step), start })));
      await putTogether(some, flow);
    }
    if (hasEnds && !endsKnown) await linkEnds(ends);
    if (!isOneCall) await startFlow(connection, start, held, patience);
  } catch (error) {
    if (!isOneCall) await abandonFlow(connection, start, held, patience).catch(() => undefined); // maintenance does it
    throw error;
  }
}

/** Puts a step by calls of its own. @param held gets its job if that waits for a start */
async function putAlone(step: Step, start: JobRef, held: HeldJob[]): Promise<void> {
  if (step.after.length > 0) {
    refuseRepeated(step);
    const after = step.after.map(({ job }) => job!);
    step.job = await step.task.put(after, step);
    return;
  }
  const { job, waitsFor } = await step.task.hold(start);
  step.job = job;
  if (waitsFor) held.push({ job: refOfStep(step), start: waitsFor });
}

/** The steps behind each step that its record names from the start. Those that are put alone add themselves when they are put. */
function childrenOf(steps: readonly Step[]): ReadonlyMap<Step, readonly Step[]> {
  const children = new Map<Step, Step[]>();
  for (const step of steps.filter(({ prepared }) => prepared)) {
    for (const parent of step.after) {
      const known = children.get(parent);
      if (known) known.push(step);
      else children.set(parent, [step]);
    }
  }
  return children;
}

/** What jobs beside each other that end one flow have in their records, so that it is found from each of them. The last one has the list. */
function endTexts(ends: Ends<Step>): (step: Step) => string {
  const all = endsIn(ends);
  const last = all.at(-1)!;
  const list = JSON.stringify(Array.isArray(ends) ? mapEnds(ends, nameOfStep) : [nameOfStep(last)]);
  const isEnd = new Set(all);
  const lastText = nameOfStep(last);
  return (step) => (step === last ? list : isEnd.has(step) ? lastText : '');
}

/** Notes {@link endTexts} at jobs that are put. */
async function linkEnds(ends: Ends<Step>): Promise<void> {
  const textAt = endTexts(ends);
  await inPortions(endsIn(ends), async (step) => {
    const { ref, connection } = placeOfJob(step.job, 'tasks');
    await brokerOf(connection, ref).flows.linkEnds(ref.id, textAt(step), patience);
  });
}

function refuseOtherRedis(steps: readonly Step[]): void {
  const { connection, queue } = steps[0]!.task.source;
  for (const { task } of steps)
    if (task.source.connection !== connection)
      throw new InvalidOptionError('tasks', `queue "${task.queue}" is on another Redis than queue "${queue}"`);
}

/** @throws InvalidOptionError if a step would get the result of one job twice: two tasks have the same id or unique key */
function refuseRepeated({ task, after }: Step): void {
  if (task.hasPayload || after.every(({ prepared }) => prepared)) return;
  const seen = new Set<string>();
  for (const { job } of after) {
    const name = `${job!.queue} ${job!.id}`;
    if (seen.has(name))
      throw new InvalidOptionError(
        'tasks',
        `group(): two tasks are the same job ${JSON.stringify(job!.id)} of queue "${job!.queue}": give them different ids and unique keys`,
      );
    seen.add(name);
  }
}
