import { OutcomeUnknownError, RedisFullError, RedisUnreachableError } from '../core/errors.js';
import { sleep } from '../core/timer.js';
import type { BoundHandler } from './handlers.js';

const pauseMs = 1_000;

/**
 * Stores the schedules that these workers declare. While Redis is away it tries again; the workers wait for it too, or fail by themselves.
 *
 * @param stopping ends it
 * @throws InvalidOptionError, InvalidPayloadError and what else `schedules.set` throws for a wrong schedule
 */
export async function declareSchedules(handlers: readonly BoundHandler[], stopping: AbortSignal): Promise<void> {
  for (const { name: worker, context, options } of handlers)
    for (const [name, schedule] of Object.entries(options.schedules ?? {}))
      while (!stopping.aborted) {
        try {
          await context.declareSchedule(worker, name, schedule);
          break;
        } catch (error) {
          if (stopping.aborted) return;
          if (!isPassing(error)) throw error;
          await sleep(pauseMs, stopping);
        }
      }
}

function isPassing(error: unknown): boolean {
  return (
    error instanceof RedisUnreachableError || error instanceof OutcomeUnknownError || error instanceof RedisFullError
  );
}
