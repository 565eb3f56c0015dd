import type { FaultProxy, Rule } from './proxy.js';
import type { World } from './world.js';

/** A rule that loses calls and replies of some scripts and commands, until there were enough. @param chance of each call, and of each reply */
export function losing(
  world: World,
  proxy: FaultProxy,
  { calls, chance, most }: { readonly calls: readonly string[]; readonly chance: number; readonly most: number },
): Rule {
  return ({ name, reply }) => {
    if (!calls.includes(name) || proxy.faults() >= most || !world.dice.chance(chance)) return undefined;
    return { kind: reply ? 'after' : 'before' };
  };
}
