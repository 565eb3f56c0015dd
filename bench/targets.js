import { nodePeers, ours } from './systems/index.js';

const bullmqs = ['bullmq', 'bullmq-remove'];

/**
 * What must be reached. `value` gives the number from a lookup `(workload, system, field)`, which is NaN where nothing was
 * measured; a ratio is ours / theirs, turned round where less is better so that it always reads "ours is so many times as good".
 */
export const targets = [
  atLeast('put, 1,000 in flight / BullMQ', 10, (get) => faster(get, 'put-1000', bullmqs)),
  atLeast('put, 1,000 in flight / bee-queue', 3, (get) => faster(get, 'put-1000', ['bee-queue'])),
  atLeast('consume, no-op, concurrency 50 / BullMQ', 10, (get) => faster(get, 'consume-50', bullmqs)),
  atLeast('consume, no-op, concurrency 50 / the best Node peer', 7, (get) => faster(get, 'consume-50', nodePeers)),
  atLeast('consume, no-op, concurrency 1 / BullMQ', 10, (get) => faster(get, 'consume-1', bullmqs)),
  atLeast('consume, five-field class on our side only, concurrency 50 / BullMQ', 6, (get) => faster(get, 'consume-validated', bullmqs)),
  atLeast('put, 1,000 in flight / the bare loop', 0.6, (get) => faster(get, 'put-1000', ['bare'])),
  atLeast('consume, concurrency 50 / the bare loop', 0.6, (get) => faster(get, 'consume-50', ['bare'])),
  atLeast('validation of the sample class / class-validator', 4, (get) => validation(get, 'validation')),
  atLeast('the same, 500 other classes', 50, (get) => validation(get, 'validation-500')),
  atMost('Redis CPU for a job, put to ack, µs', 3, (get) => redisUs(get, ours)),
  atMost('the same / BullMQ', 0.1, (get) => redisUs(get, ours) / Math.min(...bullmqs.map((system) => redisUs(get, system)))),
  atMost('bytes of a waiting message beyond its payload', 64, (get) => get('bytes-waiting', ours, 'bytesBeyond')),
  atMost('latency from idle, p50 / BullMQ', 0.8, (get) => latency(get, 'p50Ms')),
  atMost('latency from idle, p99 / BullMQ', 0.8, (get) => latency(get, 'p99Ms')),
  atMost('200 jobs of 100 ms, two workers of concurrency 5 / the ideal', 1.1, (get) => get('slow-jobs', ours, 'timesIdeal')),
  atMost('resident memory of a worker that drains 1,000,000 jobs, MB', 150, (get) => get('drain', ours, 'workerMegabytes')),
];

function atLeast(title, bound, value) {
  return { title, bound: `≥ ${bound}`, value, isReached: (number) => number >= bound };
}

function atMost(title, bound, value) {
  return { title, bound: `≤ ${bound}`, value, isReached: (number) => number <= bound };
}

/** Against the fastest of them that ran. */
function faster(get, workload, systems) {
  const rates = systems.map((system) => get(workload, system, 'perSecond')).filter((rate) => rate > 0);
  return rates.length === 0 ? NaN : get(workload, ours, 'perSecond') / Math.max(...rates);
}

function validation(get, workload) {
  return get(workload, 'class-validator', 'validationUs') / get(workload, ours, 'validationUs');
}

/** All transitions of a job that goes well: stored, claimed, acknowledged. */
function redisUs(get, system) {
  return get('put-1000', system, 'redisUsPerJob') + get('consume-50', system, 'redisUsPerJob');
}

/** Against the better of the two. */
function latency(get, field) {
  const theirs = bullmqs.map((system) => get('latency-idle', system, field)).filter((ms) => ms > 0);
  return theirs.length === 0 ? NaN : get('latency-idle', ours, field) / Math.min(...theirs);
}
