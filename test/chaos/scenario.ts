import type { Durability } from './redis-process.js';
import type { World } from './world.js';

/** One way in which the world breaks, and what must hold all the same. */
export interface Scenario {
  /** As in the fault catalogue, such as `F04`. */
  readonly id: string;
  readonly name: string;
  readonly durability?: Durability;
  readonly redisSettings?: readonly string[];
  /** Ms after which it counts as hung. */
  readonly withinMs?: { readonly short: number; readonly long: number };
  run(world: World): Promise<void>;
}
