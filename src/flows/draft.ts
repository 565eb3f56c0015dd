import { InvalidOptionError } from '../core/errors.js';
import { shown } from '../core/shown.js';
import type { Ends } from './ends.js';
import type { Flow } from './flow.js';
import { planTask, refuseUnusedPolicy, type Plan, type Step } from './plan.js';
import { flowOf, putFlow } from './put-flow.js';
import { Task } from './task.js';

/** A flow that is not put yet. */
interface Draft {
  readonly plan: Plan;
  /** The flow that has taken it as a step. */
  whole?: Promise<unknown>;
  isBegun: boolean;
}

const drafts = new WeakMap<object, Draft>();

/**
 * A flow that is put in the next microtask, unless another `chain` or `group` takes it as a step before.
 *
 * @param make returns its jobs. It may throw. @param take a step of it: a task or another flow
 */
export function draft(make: (take: (step: unknown, where: string) => Plan) => Plan): Promise<Flow> {
  let plan: Plan;
  let part: { readonly steps: readonly Step[]; readonly ends: Ends<Step> } | undefined;
  const own: Draft = {
    isBegun: false,
    plan: (before, steps) => {
      const first = steps.length;
      const planned = plan(before, steps);
      part = { steps: steps.slice(first), ends: planned.ends };
      return planned;
    },
  };
  const put = async (): Promise<Flow> => {
    await Promise.resolve();
    own.isBegun = true;
    await own.whole;
    if (own.whole) return flowOf(part!.steps, part!.ends);
    const steps: Step[] = [];
    const planned = own.plan(undefined, steps);
    refuseUnusedPolicy(planned);
    return putFlow(steps, planned.ends);
  };
  const flow = put();
  drafts.set(flow, own);
  try {
    plan = make((step, where) => take(step, where, flow));
  } catch (error) {
    plan = () => {
      throw error;
    };
  }
  return flow;
}

/** @throws InvalidOptionError for what is no step, or a flow that is put already */
function take(step: unknown, where: string, whole: Promise<unknown>): Plan {
  if (step instanceof Task) return planTask(step, where);
  const inner = typeof step === 'object' && step !== null ? drafts.get(step) : undefined;
  if (!inner)
    throw new InvalidOptionError('tasks', `${where}: invalid task ${shown(step)}: expected queue.task(payload)`);
  if (inner.isBegun || inner.whole)
    throw new InvalidOptionError(
      'tasks',
      `${where}: this flow is ${inner.whole ? 'a step already' : 'put already'}: call chain() or group() inside the call that gets it as a step`,
    );
  inner.whole = whole;
  (step as Promise<unknown>).catch(() => undefined); // the whole flow rejects with the same error
  return inner.plan;
}
