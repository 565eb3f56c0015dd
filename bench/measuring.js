import { Meter } from './meter.js';
import { startTask } from './processes.js';
import { loadSystem } from './systems/index.js';
import { workloadNamed } from './workloads/index.js';

/**
 * @typedef {object} Context what a workload is given, in its own process
 * @property {import('./systems/index.js').System} system whom it measures
 * @property {{ host: string, port: number }} address where the system finds Redis, perhaps behind a proxy
 * @property {Meter} meter
 * @property {Record<string, any>} params of the workload; `count` and `warmup` among them
 * @property {(task: string, params?: object) => ReturnType<typeof startTask>} start a helper process, killed in the end
 */

/** Runs one workload for one system, here. */
export async function measureHere({ workload: name, system: systemName, address, direct, params }) {
  // Loaded only where some are asked for: peers run without class-validator.
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
      helper.result.catch(helperFailed); // Nobody waits for a worker that is no more.
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

/** What of a workload's parameters says how payloads are made, and whether ours checks them. */
export function payloadOf({ bytes, validated }) {
  return { bytes, validated };
}
