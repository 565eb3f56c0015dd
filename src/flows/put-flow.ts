import { InvalidOptionError } from '../core/errors.js';
import { inPortions } from '../core/in-portions.js';
import { brokerOf, refText, type JobRef } from '../jobs/after.js';
import { abandonFlow, startFlow, type HeldJob } from '../jobs/flow-start.js';
import { placeOfJob } from '../jobs/job-objects.js';
import { newId } from '../wire/id.js';
import { endsIn, mapEnds, type Ends } from './ends.js';
import { Flow } from './flow.js';
import type { Step } from './plan.js';

const patience = { withinMs: 30_000 };

/**
 * Puts the jobs of a flow, parents before children, and starts them when all are put. Until then, the first ones are held: they wait for the
 * start of the flow, see `jobs/flow-start.ts`.
 *
 * @throws what a put throws; FlowNotStartedError. None of its jobs runs then
 */
export async function putFlow(steps: readonly Step[], ends: Ends<Step>): Promise<Flow> {
  const { connection, prefix, queue } = steps[0]!.task.source;
  for (const { task } of steps)
    if (task.source.connection !== connection)
      throw new InvalidOptionError('tasks', `queue "${task.queue}" is on another Redis than queue "${queue}"`);
  const start: JobRef = { prefix, queue, id: newId() };
  const held: HeldJob[] = [];
  const put = async (step: Step): Promise<void> => {
    if (step.after.length > 0) {
      refuseRepeated(step);
      step.job = await step.task.put(
        step.after.map(({ job }) => job!),
        step,
      );
      return;
    }
    const { job, waitsFor } = await step.task.hold(start);
    step.job = job;
    if (waitsFor) held.push({ job: placeOfJob(job, 'tasks').ref, start: waitsFor });
  };
  try {
    for (const level of levelsOf(steps)) {
      await inPortions(level, put);
    }
    if (Array.isArray(ends) || steps.length === 1) await linkEnds(endsIn(ends), ends);
    await startFlow(connection, start, held, patience);
  } catch (error) {
    await abandonFlow(connection, start, held, patience).catch(() => undefined); // maintenance does it
    throw error;
  }
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

function levelsOf(steps: readonly Step[]): Step[][] {
  const levels: Step[][] = [];
  for (const step of steps) (levels[step.level] ??= []).push(step);
  return levels;
}

/** Notes at jobs beside each other that they end one flow, so that it is found from each of them. The last one has the list. */
async function linkEnds(steps: readonly Step[], ends: Ends<Step>): Promise<void> {
  const places = new Map(steps.map((step) => [step, placeOfJob(step.job, 'tasks')]));
  const textOf = (step: Step): string => refText(places.get(step)!.ref);
  const last = steps.at(-1)!;
  const list = JSON.stringify(steps.length === 1 && !Array.isArray(ends) ? [textOf(last)] : mapEnds(ends, textOf));
  await inPortions([...places], async ([step, { ref, connection }]) =>
    brokerOf(connection, ref).flows.linkEnds(ref.id, step === last ? list : textOf(last), patience),
  );
}

/** @throws InvalidOptionError if a step would get the result of one job twice: two tasks have the same id or unique key */
function refuseRepeated({ task, after }: Step): void {
  if (task.hasPayload) return;
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
