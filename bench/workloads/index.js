import { workloads as put } from './put.js';
import { workloads as consume } from './consume.js';
import { workloads as asynchronous } from './async.js';
import { workloads as cpu } from './cpu.js';
import { workloads as results } from './results.js';
import { workloads as retries } from './retries.js';
import { workloads as flows } from './flows.js';
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
 * @property {string} name name for `--only`, and in the results
 * @property {string} group name of the group for `--only`; each file is one group
 * @property {string} title title in tables
 * @property {string[]} systems names of the systems to measure
 * @property {Record<string, any>} params parameters; `count` is multiplied by `scale` for faster systems
 * @property {Record<string, any>} [smoke] parameters that differ in a smoke run
 * @property {boolean} [everybodySmokes] whether a smoke run measures all systems; by default only hotqueue
 * @property {Record<string, number>} [scale] by system: factor for `count`
 * @property {'plain' | 'aof-everysec' | 'aof-always'} [server] persistence of the server
 * @property {number} [delayMs] added network latency
 * @property {number} [rounds] most rounds, for workloads that are exact or take long
 * @property {number} [timeoutMs] time limit for one measurement
 * @property {(context: import('../measuring.js').Context) => Promise<Record<string, any>>} run measures one system, in the child process
 */

/** All workloads, in the order in which they run. @type {Workload[]} */
export const workloads = [
  ...put,
  ...consume,
  ...asynchronous,
  ...cpu,
  ...retries,
  ...results,
  ...flows,
  ...delayed,
  ...latency,
  ...slow,
  ...memory,
  ...idle,
  ...validation,
  ...growth,
  ...drain,
];

export function workloadNamed(name) {
  return workloads.find((workload) => workload.name === name);
}
