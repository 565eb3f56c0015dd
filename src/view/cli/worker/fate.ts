import type { Ending } from './settings.js';

/** How a child ended: with what it said last, or without a word. */
export interface ChildEnd {
  readonly reason: Ending | undefined;
  readonly livedMs: number;
}

/**
 * What becomes of its place: `replace` at once, since it ended as it was to; `restart` after a while, since it died; `over`,
 * since there was nothing left to do, or somebody asked that worker to stop.
 */
export function fateOf({ reason }: Pick<ChildEnd, 'reason'>): 'replace' | 'restart' | 'over' {
  if (reason === undefined || reason === 'orphaned') return 'restart';
  return reason === 'burst' || reason === 'max-idle' || reason === 'asked' ? 'over' : 'replace';
}

const firstMs = 100;
const longestMs = 30_000;
/** One that worked for so long dies of something else than the one before. */
const healthyMs = 60_000;

/** How often a place has lost its child in a row. */
export const deathsAfter = (before: number, { livedMs }: Pick<ChildEnd, 'livedMs'>): number => (livedMs >= healthyMs ? 1 : before + 1);

/** Ms until the next one: 100, doubled each time, 30 seconds at the most. @param deaths 1 or more */
export const delayAfterDeath = (deaths: number): number => Math.min(longestMs, firstMs * 2 ** (deaths - 1));
