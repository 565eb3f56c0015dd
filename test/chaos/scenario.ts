import type { Durability } from './redis-process.js';
import type { World } from './world.js';

/** One kind of fault, and what must hold in spite of it. */
export interface Scenario {
  /** Id in the fault catalogue, such as `F04`. */
  readonly id: string;
  readonly name: string;
  readonly durability?: Durability;
  readonly redisSettings?: readonly string[];
  /** Ms after which the scenario fails as hung; 90,000 and 300,000 by default. */
  readonly withinMs?: { readonly short: number; readonly long: number };
  run(world: World): Promise<void>;
}
