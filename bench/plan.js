import { before, ours } from './systems/index.js';
import { workloads } from './workloads/index.js';

const smokeTimeoutMs = 60_000;

/**
 * The workloads to run, with their systems, rounds and sizes.
 *
 * @param {ReturnType<import('./options.js').readOptions>} options
 * @param {Map<string, object>} pythons the Python systems that this machine has
 */
export function plan(options, pythons) {
  const chosen = options.only
    ? workloads.filter((workload) => options.only.some((word) => isMeant(workload, word)))
    : workloads;
  if (chosen.length === 0) throw new TypeError(`invalid --only "${options.only}": no workload matches. See --list`);
  return chosen.map((workload) => ({
    ...workload,
    server: workload.server ?? 'plain',
    rounds: Math.min(options.rounds, workload.rounds ?? Infinity),
    timeoutMs: options.smoke ? smokeTimeoutMs : (workload.timeoutMs ?? 180_000),
    systems: systemsOf(workload, options).filter((system) => pythons.has(system) || !system.startsWith('python')),
    paramsFor: (system) => paramsOf(workload, system, options),
  }));
}

/** A full name selects one workload. Another word selects a group, and all workloads with names that start with it. */
function isMeant({ name, group }, word) {
  if (workloads.some((other) => other.name === word)) return name === word;
  return group === word || name.startsWith(word);
}

function systemsOf(workload, options) {
  const chosen = chosenOf(workload, options);
  return options.against ? chosen.flatMap((system) => (system === ours ? [ours, before] : [system])) : chosen;
}

function chosenOf({ systems, everybodySmokes = false }, { smoke, systems: asked }) {
  if (asked) return systems.filter((system) => asked.includes(system));
  return smoke && !everybodySmokes ? [ours] : systems;
}

function paramsOf({ name, params, smoke, scale = {} }, system, { smoke: isSmoke, drain }) {
  const sized = isSmoke ? { ...params, ...smoke } : { ...params };
  if (!isSmoke && drain && (name === 'drain' || name === 'backlog-1000000')) sized.count = Math.min(sized.count, drain);
  if (sized.count === undefined) return sized;
  const count = sized.count * (isSmoke ? 1 : (scale[system === before ? ours : system] ?? 1));
  // The warm-up has a fifth of the jobs, so that no code is compiled and no connection opened in the measured part.
  return { ...sized, count, warmup: isSmoke ? 50 : Math.max(1_000, Math.min(count / 5, 20_000)) };
}
