import { InvalidOptionError } from '../core/errors.js';
import { shown } from '../core/shown.js';
import { a, checkOptions } from '../core/options/schema.js';
import type { Job } from '../jobs/job.js';
import { Flow, inPortions } from './flow.js';
import { Task } from './task.js';

/**
 * The result of the last of several tasks.
 *
 * @example
 * type Page = ChainResult<[Task<string>, Task<Page>]>;
 */
export type ChainResult<T extends readonly Task[]> = T extends readonly [...Task[], Task<infer R>] ? R : unknown;
/**
 * The results of several tasks, in order.
 *
 * @example
 * type Both = GroupResults<[Task<string>, Task<number>]>; // [string, number]
 */
export type GroupResults<T extends readonly Task[]> = {
  -readonly [K in keyof T]: T[K] extends Task<infer R> ? R : unknown;
};

/**
 * Puts jobs of which each waits for the one before it. A task without a payload gets the result of the step before as its payload. If a step
 * fails, all behind it are cancelled.
 *
 * @param tasks at least one, as `queue.task` makes them; the first needs a payload
 * @throws InvalidOptionError; what `put` throws. Then the steps that were put before stay
 * @example
 * const flow = await chain(downloads.task({ url }), resizes.task(), publishes.task());
 * await flow.result();
 */
export async function chain<const T extends readonly [Task, ...Task[]]>(...tasks: T): Promise<Flow<ChainResult<T>>> {
  assertTasks('chain()', tasks);
  if (!tasks[0].hasPayload)
    throw new InvalidOptionError(
      'payload',
      'chain(): the first task has no payload, and no step before it gives it one',
    );
  const jobs: Job[] = [];
  const edges = new Map<string, string[]>();
  for (const task of tasks) {
    const before = jobs.at(-1);
    const job = await task.put(before ? [before] : []);
    edges.set(job.id, before ? [before.id] : []);
    jobs.push(job);
  }
  return new Flow<ChainResult<T>>(jobs, edges, jobs.at(-1));
}

/**
 * Options of {@link group}.
 *
 * @example
 * await group(files.map((file) => counts.task({ file })), { then: sums.task(), onFailure: 'run' });
 */
export interface GroupOptions<R = unknown> {
  /** A task that waits for all of them. Without a payload of its own, it gets an array of their results, in order. */
  then?: Task<R>;
  /** What happens to `then` if one of them fails: `'cancel'` (default), or `'run'`. */
  onFailure?: 'cancel' | 'run';
}

/**
 * Puts jobs that run beside each other, and perhaps one that waits for all of them.
 *
 * @param tasks at least one, as `queue.task` makes them, each with a payload
 * @throws InvalidOptionError; what `put` throws. Then the jobs that were put before stay
 * @example
 * const flow = await group(files.map((file) => counts.task({ file })), { then: sums.task() });
 * console.log(await flow.result());
 */
export async function group<const T extends readonly Task[]>(tasks: T): Promise<Flow<GroupResults<T>>>;
export async function group<R>(tasks: readonly Task[], options: GroupOptions<R>): Promise<Flow<R>>;
export async function group(tasks: readonly Task[], options: GroupOptions = {}): Promise<Flow> {
  assertTasks('group()', tasks);
  const { then, onFailure } = checkOptions<GroupOptions>('group()', options, {
    then: a.given,
    onFailure: a.oneOf('cancel', 'run'),
  });
  if (then !== undefined) assertTasks('group(): then', [then]);
  if (then === undefined && onFailure !== undefined)
    throw new InvalidOptionError('onFailure', 'group(): option onFailure has no effect without then: set then too');
  const without = tasks.findIndex((task) => !task.hasPayload);
  if (without >= 0)
    throw new InvalidOptionError(
      'payload',
      `group(): task ${without} has no payload, and no step before it gives it one`,
    );
  const jobs = await inPortions(tasks, (task) => task.put([]));
  const edges = new Map(jobs.map(({ id }): [string, string[]] => [id, []]));
  if (!then) return new Flow(jobs, edges, undefined);
  const last = await then.put(jobs, onFailure);
  edges.set(
    last.id,
    jobs.map(({ id }) => id),
  );
  return new Flow([...jobs, last], edges, last);
}

function assertTasks(where: string, tasks: readonly unknown[]): void {
  if (tasks.length === 0) throw new InvalidOptionError('tasks', `${where}: no task: give at least one`);
  for (const task of tasks)
    if (!(task instanceof Task))
      throw new InvalidOptionError('tasks', `${where}: invalid task ${shown(task)}: expected queue.task(payload)`);
}
