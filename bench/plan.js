import { before, ours } from './systems/index.js';
import { workloads } from './workloads/index.js';

const smokeTimeoutMs = 60_000;

/**
 * What is to run: the workloads that were asked for, with their systems, rounds and sizes.
 *
 * @param {ReturnType<import('./options.js').readOptions>} options
 * @param {Map<string, object>} pythons those of the Python systems that this machine has
 */
export function plan(options, pythons) {
  const chosen = options.only ? workloads.filter((workload) => options.only.some((word) => isMeant(workload, word))) : workloads;
  if (chosen.length === 0) throw new TypeError(`--only ${options.only}: no workload begins so; --list names them`);
  return chosen.map((workload) => ({
    ...workload,
    server: workload.server ?? 'plain',
    rounds: Math.min(options.rounds, workload.rounds ?? Infinity),
    timeoutMs: options.smoke ? smokeTimeoutMs : (workload.timeoutMs ?? 180_000),
    systems: systemsOf(workload, options).filter((system) => pythons.has(system) || !system.startsWith('python')),
    paramsFor: (system) => paramsOf(workload, system, options),
  }));
}

/** A whole name means that one; anything else, all that begin so, or a group. */
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
  // A fifth, so that nothing is compiled or connected in the measured part; ours, like the rest, by its own way of working.
  return { ...sized, count, warmup: isSmoke ? 50 : Math.max(1_000, Math.min(count / 5, 20_000)) };
}
