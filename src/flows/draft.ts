import { InvalidOptionError } from '../core/errors.js';
import { shown } from '../core/shown.js';
import type { Ends } from './ends.js';
import type { Flow } from './flow.js';
import { layTask, refuseUnusedPolicy, type Lay, type Step } from './plan.js';
import { flowOf, putFlow } from './put-flow.js';
import { Task } from './task.js';

/** A flow that is not put yet. */
interface Draft {
  readonly lay: Lay;
  /** The flow that has taken it as a step. */
  whole?: Promise<unknown>;
  isBegun: boolean;
}

const drafts = new WeakMap<object, Draft>();

/**
 * A flow that is put in the next microtask, unless another `chain` or `group` takes it as a step before.
 *
 * @param plan its jobs. It may throw. @param take a step of it: a task or another flow
 */
export function draft(plan: (take: (step: unknown, where: string) => Lay) => Lay): Promise<Flow> {
  let lay: Lay;
  let part: { readonly steps: readonly Step[]; readonly ends: Ends<Step> } | undefined;
  const own: Draft = {
    isBegun: false,
    lay: (before, steps) => {
      const first = steps.length;
      const laid = lay(before, steps);
      part = { steps: steps.slice(first), ends: laid.ends };
      return laid;
    },
  };
  const put = async (): Promise<Flow> => {
    await Promise.resolve();
    own.isBegun = true;
    await own.whole;
    if (own.whole) return flowOf(part!.steps, part!.ends);
    const steps: Step[] = [];
    const laid = own.lay(undefined, steps);
    refuseUnusedPolicy(laid);
    return putFlow(steps, laid.ends);
  };
  const flow = put();
  drafts.set(flow, own);
  try {
    lay = plan((step, where) => take(step, where, flow));
  } catch (error) {
    lay = () => {
      throw error;
    };
  }
  return flow;
}

/** @throws InvalidOptionError for what is no step, or a flow that is put already */
function take(step: unknown, where: string, whole: Promise<unknown>): Lay {
  if (step instanceof Task) return layTask(step, where);
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
  return inner.lay;
}
