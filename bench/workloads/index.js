import { workloads as put } from './put.js';
import { workloads as consume } from './consume.js';
import { workloads as asynchronous } from './async.js';
import { workloads as cpu } from './cpu.js';
import { workloads as retries } from './retries.js';
import { workloads as delayed } from './delayed.js';
import { workloads as latency } from './latency.js';
import { workloads as slow } from './slow.js';
import { workloads as memory } from './memory.js';
import { workloads as idle } from './idle.js';
import { workloads as drain } from './drain.js';
import { workloads as validation } from './validation.js';
import { workloads as growth } from './growth.js';

/**
 * @typedef {object} Workload
 * @property {string} name for `--only`, and in the results
 * @property {string} group the file it stands in
 * @property {string} title for tables
 * @property {string[]} systems whom it measures
 * @property {Record<string, any>} params `count` is for the slow; what `scale` names gets so many times as many
 * @property {Record<string, any>} [smoke] what is different in the small form
 * @property {boolean} [everybodySmokes] false: in the small form it is ours alone
 * @property {Record<string, number>} [scale]
 * @property {'plain' | 'aof-everysec' | 'aof-always'} [server]
 * @property {number} [delayMs] added network latency
 * @property {number} [rounds] at most, for what is exact or takes long
 * @property {number} [timeoutMs] for one measurement
 * @property {(context: import('../measuring.js').Context) => Promise<Record<string, any>>} run in the child process
 */

/** @type {Workload[]} in the order in which they run */
export const workloads = [...put, ...consume, ...asynchronous, ...cpu, ...retries, ...delayed, ...latency, ...slow, ...memory, ...idle, ...validation, ...growth, ...drain];

export function workloadNamed(name) {
  return workloads.find((workload) => workload.name === name);
}
