import { foreman, thisCopy } from './runtime/foreman.js';
import { handlersOf } from './runtime/handlers.js';
import { Crew, type Runner, type RunOptions, type StartOptions } from './runtime/runner.js';
import { untilSignalled } from './runtime/shutdown.js';
import type { Workers } from './runtime/worker-types.js';

/**
 * Starts workers and returns at once; touches no signals: for servers, tests and `await using`.
 *
 * @param workers an instance with decorated methods or worker fields, a wrapped function, or an array of these
 * @param options `order` and `concurrency`, for several queues that share their places
 * @throws NoWorkersError, ConflictingQueuesError, InvalidOptionError
 */
export function start(workers: Workers, options?: StartOptions): Runner {
  return new Crew(handlersOf(workers), options);
}

/**
 * Works until SIGINT or SIGTERM (the first asks, the second forces): the last line of a worker script. In a file that
 * `hotqueue worker` loads, it leaves signals and the number of processes to that.
 *
 * @param options as for `start`; `deadline`: how long running handlers may take to finish after the signal, 25 s by default
 * @throws NoWorkersError, ConflictingQueuesError; RedisUnreachableError when a Redis that was named does not answer
 */
export async function run(workers: Workers, { deadline, ...options }: RunOptions = {}): Promise<void> {
  const loading = foreman();
  if (loading) return loading.engage(workers, { ...options, ...(deadline !== undefined && { deadline }) }, thisCopy);
  await untilSignalled(new Crew(handlersOf(workers), options), deadline);
}
