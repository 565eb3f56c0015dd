import { InvalidOptionError } from '../core/errors.js';
import { a, checkOptions } from '../core/options/schema.js';
import { shown } from '../core/shown.js';
import { draft } from './draft.js';
import type { Flow } from './flow.js';
import { planBeside, planInTurn } from './plan.js';
import type { Task } from './task.js';

/**
 * A step of a {@link chain} or {@link group}: a task, or another chain or group, made in the same call.
 *
 * @typeParam R its result
 * @example
 * const step: FlowStep<number> = counts.task('a b');
 */
export type FlowStep<R = unknown> = Task<R> | Promise<Flow<R>>;

/**
 * The result of the last of several steps.
 *
 * @example
 * type Page = ChainResult<[Task<string>, Task<Page>]>;
 */
export type ChainResult<T extends readonly FlowStep[]> = T extends readonly [...FlowStep[], FlowStep<infer R>]
  ? R
  : unknown;
/**
 * The results of several steps, in order.
 *
 * @example
 * type Both = GroupResults<[Task<string>, Task<number>]>; // [string, number]
 */
export type GroupResults<T extends readonly FlowStep[]> = {
  -readonly [K in keyof T]: T[K] extends FlowStep<infer R> ? R : unknown;
};

/**
 * Puts jobs of which each waits for the one before it. A task without a payload gets the result of the step before as its payload; behind a
 * group, an array of all results. If a step fails, all behind it are cancelled. Either all jobs are put, or none runs.
 *
 * @param steps at least one: tasks, as `queue.task` makes them, and calls of `chain` and `group`. The first needs a payload
 * @throws InvalidOptionError; FlowNotStartedError if the put takes more than five minutes; what `put` throws. OutcomeUnknownError:
 *   Redis did not answer, and may have all jobs
 * @example
 * const flow = await chain(downloads.task({ url }), resizes.task(), publishes.task());
 * const page = await chain(downloads.task({ url }), group([small.task(), large.task()]), pages.task());
 * await flow.result();
 */
export function chain<const T extends readonly [FlowStep, ...FlowStep[]]>(...steps: T): Promise<Flow<ChainResult<T>>> {
  return draft((take) => {
    refuseNone('chain()', steps);
    return planInTurn(
      steps.map((step, at) => take(step, at === 0 ? 'chain(): the first task' : `chain(): task ${at}`)),
    );
  }) as Promise<Flow<ChainResult<T>>>;
}

/**
 * Options of {@link group}.
 *
 * @example
 * await group(files.map((file) => counts.task({ file })), { then: sums.task(), onFailure: 'run' });
 */
export interface GroupOptions<R = unknown> {
  /** A step that waits for all of them. Without a payload of its own, it gets an array of their results, in order. */
  then?: FlowStep<R>;
  /** What happens to `then`, or to the next step of the chain, if one of them fails: `'cancel'` (default), or `'run'`. */
  onFailure?: 'cancel' | 'run';
}

/**
 * Puts jobs that run beside each other, and perhaps one that waits for all of them. Either all jobs are put, or none runs.
 *
 * @param tasks at least one: tasks with a payload, as `queue.task` makes them, and calls of `chain` and `group`
 * @throws InvalidOptionError; FlowNotStartedError if the put takes more than five minutes; what `put` throws. OutcomeUnknownError:
 *   Redis did not answer, and may have all jobs
 * @example
 * const flow = await group(files.map((file) => counts.task({ file })), { then: sums.task() });
 * console.log(await flow.result());
 */
export function group<const T extends readonly FlowStep[]>(tasks: T): Promise<Flow<GroupResults<T>>>;
export function group<const T extends readonly FlowStep[]>(
  tasks: T,
  options: GroupOptions<never> & { then?: undefined },
): Promise<Flow<GroupResults<T>>>;
export function group<R>(tasks: readonly FlowStep[], options: GroupOptions<R>): Promise<Flow<R>>;
export function group(tasks: readonly FlowStep[], options: GroupOptions = {}): Promise<Flow> {
  return draft((take) => {
    refuseNone('group()', tasks);
    const members = tasks.map((task, at) => take(task, `group(): task ${at}`));
    const { then, onFailure } = checkOptions<GroupOptions>('group()', options, {
      then: a.given,
      onFailure: a.oneOf('cancel', 'run'),
    });
    if (then === undefined) return planBeside(members, onFailure);
    return planInTurn([planBeside(members, onFailure), take(then, 'group(): then')]);
  });
}

function refuseNone(where: string, tasks: readonly unknown[]): void {
  if (!Array.isArray(tasks))
    throw new InvalidOptionError('tasks', `${where}: invalid tasks ${shown(tasks)}: expected an array of tasks`);
  if (tasks.length === 0) throw new InvalidOptionError('tasks', `${where}: no task: give at least one`);
}
