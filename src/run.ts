import { a } from './core/options/schema.js';
import { cliHost } from './worker/cli-host.js';
import { handlersOf } from './worker/handlers.js';
import { WorkerRunner, type Runner, type RunOptions, type StartOptions } from './worker/runner.js';
import { untilSignalled } from './worker/signals.js';
import type { WorkerSource } from './worker/types.js';

/**
 * Starts workers and returns at once. It installs no signal handlers, so it fits servers, tests and `await using`. The workers
 * stop by `runner.stop()`, or when one of their queues is closed.
 *
 * @param workers an instance with decorated methods or worker fields, a wrapped function, or an array of these
 * @param options `order` and `concurrency`, for several queues that share their concurrency slots
 * @throws NoWorkersError if `workers` has no worker
 * @throws ConflictingQueuesError if two workers take from one queue with different payloads
 * @throws InvalidOptionError; QueueClosedError if one of their queues is closed
 *
 * @example
 * const runner = start(new Studio());
 * // …
 * await runner.stop({ shutdownTimeout: '10s' });
 */
export function start(workers: WorkerSource, options?: StartOptions): Runner {
  return new WorkerRunner(handlersOf(workers), options);
}

/**
 * Runs workers until a signal that ends the process: SIGINT, SIGTERM, SIGHUP, SIGQUIT or SIGUSR2. Use it as the last line of a
 * worker script.
 *
 * The first signal stops the workers: they take no new messages, and active handlers may finish. The second signal releases
 * the active messages at once and ends the process. In a file that `hotqueue worker` loads, that command handles the signals
 * and the number of processes.
 *
 * @param workers an instance with decorated methods or worker fields, a wrapped function, or an array of these
 * @param options as for {@link start}, `shutdownTimeout`: how long active handlers may run after the signal, 25 s by default, and
 *   `until: 'drained'`: end when no message is left. `waitForRedis: true` starts before Redis does
 * @throws NoWorkersError if `workers` has no worker
 * @throws ConflictingQueuesError if two workers take from one queue with different payloads
 * @throws InvalidOptionError; QueueClosedError if one of their queues is closed
 * @throws RedisUnreachableError if the given Redis does not answer, unless `waitForRedis` is true
 * @throws RedisRefusedError if Redis refuses for a reason that waiting does not change, such as a wrong password
 *
 * @example
 * await run([new Studio(), new Mailer()], { shutdownTimeout: '1m' });
 */
export async function run(workers: WorkerSource, options: RunOptions = {}): Promise<void> {
  const host = cliHost();
  if (host) return host.runWorkers(workers, options);
  const { shutdownTimeout, until, ...starting } = options;
  refuseUnknownEnd(until);
  const runner = new WorkerRunner(handlersOf(workers), starting, shutdownTimeout);
  if (until === 'drained')
    void runner
      .drained()
      .then(() => runner.stop())
      .catch(() => undefined); // `finished` has the error
  await untilSignalled(runner, shutdownTimeout);
}

function refuseUnknownEnd(until: unknown): void {
  if (until !== undefined) a.oneOf('drained')(until, 'until');
}
