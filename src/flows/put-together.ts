import { OutcomeUnknownError } from '../core/errors.js';
import { inPortions } from '../core/in-portions.js';
import { linkToParents, lookMs } from '../jobs/after.js';
import { refText, type JobRef } from '../jobs/job-ref.js';
import { placeOfJob } from '../jobs/job-objects.js';
import { announceOnce } from '../jobs/outbox.js';
import type { FlowJob } from '../redis/flow-transitions.js';
import { isAway } from '../redis/server-errors.js';
import { mostParents } from './flow-puts.js';
import { withChild } from '../wire/envelope.js';
import type { Step } from './plan.js';
import { isSameQueue } from './stages.js';

/** How the jobs of a flow are put together. */
export interface Together {
  /** Absent if all jobs of the flow are put in one call. */
  readonly start: JobRef | undefined;
  /** The steps that wait for each step, and are put together with others. */
  readonly children: ReadonlyMap<Step, readonly Step[]>;
  /** What the field `ends` of the record of a step gets; `''` for nothing. */
  readonly endsAt: (step: Step) => string;
}

const patience = { withinMs: 30_000 };

/** Where the job of a step is. */
export const refOfStep = ({ job }: Step): JobRef => placeOfJob(job, 'tasks').ref;

/** The name of that job, see `refText`. */
export const nameOfStep = (step: Step): string => (step.name ??= refText(refOfStep(step)));

/**
 * Puts steps of one queue in one call.
 *
 * @throws OutcomeUnknownError if these are all steps of the flow, and Redis did not answer; UnknownParentError; what a put throws
 */
export async function putTogether(steps: readonly Step[], flow: Together): Promise<void> {
  const { queue, flowPuts } = steps[0]!.task.source;
  const { broker } = flowPuts;
  const jobs = steps.map((step) => flowJobOf(step, flow));
  for (const { id, after } of jobs)
    if (after && after.parents.length > mostParents) await broker.flows.block(id, lookMs, after, patience);
  try {
    await flowPuts.put(jobs);
  } catch (error) {
    if (flow.start || !isAway(error) || !error.mayHaveArrived) throw error;
    const ids = jobs.map(({ id }) => id);
    throw new OutcomeUnknownError(queue, ids, false, { cause: error });
  }
  await announceOnce(broker, queue);
  // Those that were put alone do not know what waits for them, and may have ended.
  const isAlone = ({ prepared }: Step): boolean => !prepared;
  const behindAlone = steps.filter(({ after }) => after.some(isAlone));
  await inPortions(behindAlone, (step) =>
    linkToParents(broker, refOfStep(step), step.after.filter(isAlone).map(refOfStep), patience),
  );
}

function flowJobOf(step: Step, { start, children, endsAt }: Together): FlowJob {
  const { after: parents, input, onFailure = 'cancel', prepared } = step;
  const { message, lane, due, tracking, processId } = prepared!;
  const behind = children.get(step) ?? [];
  const named = behind.length === 1 ? withOnlyChild(step, behind[0]!) : undefined;
  const names = parents.map(nameOfStep);
  const after =
    names.length > 0
      ? {
          parents: names.length > 1 ? [...new Set(names)] : names, // two steps may be one job
          onFailure,
          input: step.task.hasPayload ? 'own' : input,
          due,
        }
      : start && { parents: [refText(start)], onFailure: 'start', input: 'own', due: '' };
  return {
    id: step.job!.id,
    message: named ?? message,
    lane,
    tracking,
    processId,
    children: behind.map(nameOfStep),
    namesChild: named !== undefined,
    ends: endsAt(step),
    after,
  };
}

/** The message of a step with the id of the only step behind it, if that is on the same queue and the header has room. */
const withOnlyChild = (step: Step, child: Step): string | undefined =>
  isSameQueue(step, child) ? withChild(step.prepared!.message, child.job!.id) : undefined;
