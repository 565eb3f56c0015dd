import { HotQueue, InvalidOptionError, type QueueOptions } from 'hotqueue';
import type { Registry } from 'prom-client';
import { Snapshots } from '../inspect/snapshot.js';
import { totalsOf } from '../inspect/totals.js';
import { registerFamilies } from './register.js';

/**
 * Options of {@link collectMetrics}: where Redis is, as for a queue, and which queues.
 *
 * @example
 * ```ts
 * const options: CollectOptions = { url: 'redis://cache:6379', queues: ['emails', 'images'] };
 * ```
 */
export interface CollectOptions extends Pick<
  QueueOptions,
  'url' | 'host' | 'port' | 'db' | 'username' | 'password' | 'prefix' | 'connection'
> {
  /** Names of the queues; default: all with this prefix, also those that are created later. */
  queues?: readonly string[];
}

/**
 * Metrics in a registry.
 *
 * @example
 * ```ts
 * const collected = collectMetrics(registry);
 * await collected.close();
 * ```
 */
export interface CollectedMetrics extends AsyncDisposable {
  /** Removes the metrics from the registry, and closes the connection to Redis. */
  close(): Promise<void>;
}

/**
 * Adds the metrics of queues to a registry of prom-client. They are read from Redis at each scrape, so they are the same in every
 * process: let one process serve them, or several.
 *
 * Counters come from Redis too. They go on when workers or this process restart, and begin at 0 when a queue is removed.
 *
 * @param registry `register` of prom-client, or one of your own, in the text format of Prometheus
 * @throws InvalidOptionError if the registry writes OpenMetrics, where two of the names would be the same; or for an option
 *
 * @example
 * ```ts
 * import { register } from 'prom-client';
 * import { collectMetrics } from 'hotqueue/prometheus';
 *
 * const collected = collectMetrics(register, { queues: ['emails'] });
 * console.log(await register.metrics());
 * await collected.close();
 * ```
 */
export function collectMetrics(registry: Registry, { queues = [], ...address }: CollectOptions = {}): CollectedMetrics {
  if (registry.contentType.startsWith('application/openmetrics-text'))
    throw new InvalidOptionError(
      'registry',
      'invalid registry: it writes OpenMetrics, where hotqueue_messages and hotqueue_messages_total would be one name. Use a registry with the content type of Prometheus, which is the default',
    );
  const where = address as QueueOptions;
  const snapshots = new Snapshots(where, queues, (name) => new HotQueue(name, { ...where, logger: false }));
  const unregister = registerFamilies(registry, async () => {
    const taken = await snapshots.take();
    const readings = taken.map(async (queue) => ({ ...queue, totals: await totalsOf(queue.name, where) }));
    return { now: Date.now(), queues: await Promise.all(readings) };
  });
  const close = async (): Promise<void> => {
    unregister();
    await snapshots.close();
  };
  return { close, [Symbol.asyncDispose]: close };
}
