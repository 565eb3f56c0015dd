import { errorFields } from '../core/logger.js';
import type { Wait } from '../redis/connection.js';
import type { QueueContext } from '../redis/queue-context.js';

/** Logs what a worker waits for. The connection calls it once a minute. */
export function warnWaiting({ name: queue, logger }: QueueContext, { error, sinceMs }: Wait): void {
  const waitingMs = Math.round(sinceMs);
  const sentence = `waiting for Redis for ${Math.round(sinceMs / 1_000)} s: ${error.message}`;
  logger.warn({ queue, waitingMs, ...errorFields(error) }, sentence);
}
