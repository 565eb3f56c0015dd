import { foreman, thisCopy } from './runtime/foreman.js';
import { handlersOf } from './runtime/handlers.js';
import { Crew, type Runner, type RunOptions, type StartOptions } from './runtime/runner.js';
import { untilSignalled } from './runtime/shutdown.js';
import type { Workers } from './runtime/worker-types.js';

/**
 * Starts workers and returns at once. It installs no signal handlers, so it fits servers, tests and `await using`.
 *
 * @param workers an instance with decorated methods or worker fields, a wrapped function, or an array of these
 * @param options `order` and `concurrency`, for several queues that share their concurrency slots
 * @throws NoWorkersError if `workers` has no worker
 * @throws ConflictingQueuesError if two workers take from one queue with different payloads
 * @throws InvalidOptionError
 *
 * @example
 * const runner = start(new Studio());
 * // …
 * await runner.stop({ deadline: '10s' });
 */
export function start(workers: Workers, options?: StartOptions): Runner {
  return new Crew(handlersOf(workers), options);
}

/**
 * Runs workers until SIGINT or SIGTERM. Use it as the last line of a worker script.
 *
 * The first signal stops the workers: they take no new messages, and active handlers may finish. The second signal releases
 * the active messages at once and ends the process. In a file that `hotqueue worker` loads, that command handles the signals
 * and the number of processes.
 *
 * @param workers an instance with decorated methods or worker fields, a wrapped function, or an array of these
 * @param options as for {@link start}, and `deadline`: how long active handlers may run after the signal, 25 s by default
 * @throws NoWorkersError if `workers` has no worker
 * @throws ConflictingQueuesError if two workers take from one queue with different payloads
 * @throws InvalidOptionError
 * @throws RedisUnreachableError if the given Redis does not answer
 *
 * @example
 * await run([new Studio(), new Mailer()], { deadline: '1m' });
 */
export async function run(workers: Workers, { deadline, ...options }: RunOptions = {}): Promise<void> {
  const loading = foreman();
  if (loading) return loading.engage(workers, { ...options, ...(deadline !== undefined && { deadline }) }, thisCopy);
  await untilSignalled(new Crew(handlersOf(workers), options), deadline);
}
