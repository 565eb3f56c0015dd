import { Meter } from './meter.js';
import { startTask } from './processes.js';
import { loadSystem } from './systems/index.js';
import { workloadNamed } from './workloads/index.js';

/**
 * @typedef {object} Context argument of a workload's `run`, in its process
 * @property {import('./systems/index.js').System} system the system to measure
 * @property {{ host: string, port: number }} address of Redis for the system, possibly of a proxy
 * @property {Meter} meter
 * @property {Record<string, any>} params of the workload, including `count` and `warmup`
 * @property {(task: string, params?: object) => ReturnType<typeof startTask>} start starts a helper process, which is killed at the end
 */

/** Runs one workload for one system, in this process. */
export async function measureHere({ workload: name, system: systemName, address, direct, params }) {
  // Loaded only for workloads that need it: peers run without class-validator.
  if (params.otherClasses) (await import('./classes.js')).declareOtherClasses(params.otherClasses);
  const helpers = [];
  let helperFailed;
  const failure = new Promise((_resolve, reject) => (helperFailed = reject));
  const meter = new Meter(direct);
  const context = {
    system: await loadSystem(systemName),
    address,
    meter,
    params,
    start(task, given) {
      const helper = startTask(task, { system: systemName, address, payload: payloadOf(params), ...given });
      helpers.push(helper);
      helper.result.catch(helperFailed); // a failed worker ends the measurement, or it would wait for the worker
      return helper;
    },
  };
  try {
    return await Promise.race([workloadNamed(name).run(context), failure]);
  } finally {
    for (const helper of helpers) helper.kill();
    meter.close();
  }
}

/** The parameters of a workload that define its payloads, and whether hotqueue validates them. */
export function payloadOf({ bytes, validated }) {
  return { bytes, validated };
}
