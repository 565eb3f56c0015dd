import type { Metric, Registry } from 'prom-client';
import { aggregator, families, type Family, type Reading } from './families.js';

/** A scrape waits so long for Redis. Prometheus gives up after 10 s by default. */
const answersWithinMs = 5_000;

/** Adds all metrics to a registry. @returns removes them */
export function registerFamilies(registry: Registry, take: () => Promise<Reading>): () => void {
  const read = sharedReading(take);
  for (const family of families) registry.registerMetric(metricOf(family, read));
  return () => {
    for (const { name } of families) registry.removeSingleMetric(name);
  };
}

/** prom-client asks each metric for itself. All that ask at the same time get one reading. */
function sharedReading(read: () => Promise<Reading>): () => Promise<Reading> {
  let reading: Promise<Reading> | undefined;
  return () => {
    reading ??= inTime(read()).finally(() => (reading = undefined));
    return reading;
  };
}

/** `undefined` if Redis does not answer in time, or refuses: then only `hotqueue_redis_up` has a value. */
async function inTime(reading: Promise<Reading>): Promise<Reading> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), answersWithinMs)));
  try {
    return await Promise.race([reading, late]);
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

/** A metric as a registry of prom-client uses it. Its own counters cannot be set, and its histograms only observe. */
function metricOf({ name, help, type, labels, samples }: Family, read: () => Promise<Reading>): Metric {
  const metric = {
    ...{ name, help, type, aggregator, labelNames: labels },
    get: async () => ({ name, help, type, aggregator, values: samples(await read()) }),
    reset: () => undefined,
  };
  return metric as unknown as Metric;
}
