import { bare, before, nodePeers, ours } from './systems/index.js';

const bullmqs = ['bullmq', 'bullmq-remove'];
const beeQueue = ['bee-queue'];

/**
 * Performance targets. `value` computes the number with a lookup `(workload, system, field)`, which returns NaN if nothing was
 * measured. Ratios are hotqueue / peer: of rates in `atLeast`, of costs in `atMost`.
 */
export const targets = [
  atLeast('put, 1,000 in flight / the bare loop', 0.8, (get) => faster(get, 'put-1000', [bare])),
  atLeast('consume, no-op, concurrency 50 / the bare loop', 1, (get) => faster(get, 'consume-50', [bare])),
  atLeast('consume, no-op, concurrency 1 / the bare loop', 1, (get) => faster(get, 'consume-1', [bare])),
  atLeast('put, one by one, awaited / the bare loop', 0.9, (get) => faster(get, 'put-awaited', [bare])),
  atLeast('put, one by one, awaited / bee-queue', 1, (get) => faster(get, 'put-awaited', beeQueue)),
  atLeast('put, 1,000 in flight / bee-queue', 3, (get) => faster(get, 'put-1000', beeQueue)),
  atLeast('put, 1,000 in flight / BullMQ', 15, (get) => faster(get, 'put-1000', bullmqs)),
  atLeast('consume, no-op, concurrency 50 / BullMQ', 25, (get) => faster(get, 'consume-50', bullmqs)),
  atLeast('consume, no-op, concurrency 50 / the best Node peer', 7, (get) => faster(get, 'consume-50', nodePeers)),
  atLeast('consume, no-op, concurrency 1 / BullMQ', 10, (get) => faster(get, 'consume-1', bullmqs)),
  atLeast('consume, five-field class (hotqueue validates it), concurrency 50 / BullMQ', 14, (get) =>
    faster(get, 'consume-validated', bullmqs),
  ),
  atLeast('put, run, await the result / BullMQ', 8, (get) => faster(get, 'results', bullmqs)),
  atLeast('put, run, await the result / the best peer', 3, (get) =>
    faster(get, 'results', [...bullmqs, ...beeQueue, 'python-celery']),
  ),
  atMost('result of one job from idle, p50 / the best peer', 1, (get) =>
    less(get, 'result-idle', 'p50Ms', [...bullmqs, ...beeQueue]),
  ),
  atMost('result of one job from idle, p99 / the best peer', 1, (get) =>
    less(get, 'result-idle', 'p99Ms', [...bullmqs, ...beeQueue]),
  ),
  atLeast('chains of 5 jobs / BullMQ', 5, (get) => faster(get, 'flow-chain', ['bullmq'])),
  atLeast('groups of 100 jobs / BullMQ', 5, (get) => faster(get, 'flow-group', ['bullmq'])),
  atLeast('validation of the sample class / class-validator', 4, (get) => validation(get, 'validation')),
  atLeast('validation of the sample class, 500 other classes / class-validator', 50, (get) =>
    validation(get, 'validation-500'),
  ),
  atLeast('whole decode of 24 classes with class-transformer, median / class-validator', 8, (get) =>
    get('validation-dto', ours, 'medianTimes'),
  ),
  atLeast('whole decode of 24 classes with class-transformer, the slowest / class-validator', 1, (get) =>
    get('validation-dto', ours, 'leastTimes'),
  ),
  atLeast('whole decode of 24 classes with class-transformer, 500 other classes, median / class-validator', 18, (get) =>
    get('validation-dto-500', ours, 'medianTimes'),
  ),
  atMost('Redis CPU per job, put to ack, µs', 2.2, (get) => get('cpu', ours, 'redisUsPerJob')),
  atMost('Redis CPU per job, put to ack / the other build', 0.6, (get) => less(get, 'cpu', 'redisUsPerJob', [before])),
  atMost('Redis CPU per job, put to ack / BullMQ', 0.1, (get) => less(get, 'cpu', 'redisUsPerJob', bullmqs)),
  atMost('bytes of a waiting message without its payload', 64, (get) => get('bytes-waiting', ours, 'bytesBeyond')),
  atMost('latency from idle, p50 / bee-queue', 1, (get) => less(get, 'latency-idle', 'p50Ms', beeQueue)),
  atMost('latency from idle, p99 / bee-queue', 1, (get) => less(get, 'latency-idle', 'p99Ms', beeQueue)),
  atMost('latency from idle, p50 / BullMQ', 0.8, (get) => less(get, 'latency-idle', 'p50Ms', bullmqs)),
  atMost('latency from idle, p99 / BullMQ', 0.8, (get) => less(get, 'latency-idle', 'p99Ms', bullmqs)),
  atMost('latency at 1,000 jobs/s, p50 / bee-queue', 1, (get) => less(get, 'latency-rate', 'p50Ms', beeQueue)),
  atMost('latency at 1,000 jobs/s, p99 / bee-queue', 1, (get) => less(get, 'latency-rate', 'p99Ms', beeQueue)),
  atMost('200 jobs of 100 ms, two workers of concurrency 5 / the ideal time', 1.1, (get) =>
    get('slow-jobs', ours, 'timesIdeal'),
  ),
  atMost('resident memory of a worker that drains 1,000,000 jobs, MB', 130, (get) =>
    get('drain', ours, 'workerMegabytes'),
  ),
];

function atLeast(title, bound, value) {
  return { title, bound: `≥ ${bound}`, value, isReached: (number) => number >= bound };
}

function atMost(title, bound, value) {
  return { title, bound: `≤ ${bound}`, value, isReached: (number) => number <= bound };
}

/** Rate of hotqueue / rate of the fastest of these systems that ran. */
function faster(get, workload, systems) {
  const rates = systems.map((system) => get(workload, system, 'perSecond')).filter((rate) => rate > 0);
  return rates.length === 0 ? NaN : get(workload, ours, 'perSecond') / Math.max(...rates);
}

function validation(get, workload) {
  return get(workload, 'class-validator', 'validationUs') / get(workload, ours, 'validationUs');
}

/** Cost of hotqueue / lowest cost of these systems that ran. */
function less(get, workload, field, systems) {
  const theirs = systems.map((system) => get(workload, system, field)).filter((value) => value > 0);
  return theirs.length === 0 ? NaN : get(workload, ours, field) / Math.min(...theirs);
}
