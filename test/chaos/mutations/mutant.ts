import type { Change } from '../stage.js';

/** A change to the sources that breaks one rule of the library. */
export interface Mutant extends Change {
  readonly name: string;
  /** The rule that it breaks. */
  readonly breaks: string;
  /** Scenarios that should detect it, the most likely one first. */
  readonly hunters: readonly string[];
  /** More changes: several places keep the same rule, and it is broken only if all of them are changed. */
  readonly and?: readonly Change[];
}

/** A file of the script with this name. */
export const lua = (name: string): string => `redis/scripts/${name}.lua`;
