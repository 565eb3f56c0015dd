import type { EndReason } from './settings.js';

/** How a child process ended: with the reason that it reported, or without a report. */
export interface ChildEnd {
  readonly reason: EndReason | undefined;
  readonly livedMs: number;
}

/**
 * What the supervisor does when a child has ended.
 *
 * `replace`: start a new child at once, because this one ended normally. `restart`: start a new child after a delay, because this
 * one died. `over`: start no new child, because there is no work left, or because a command stopped the worker.
 */
export function restartPolicyOf({ reason }: Pick<ChildEnd, 'reason'>): 'replace' | 'restart' | 'over' {
  if (reason === undefined || reason === 'orphaned') return 'restart';
  return reason === 'burst' || reason === 'max-idle' || reason === 'command' ? 'over' : 'replace';
}

const firstMs = 100;
const longestMs = 30_000;
/** If a child lives this long, its death probably has another cause than the death before: the delay starts at its minimum again. */
const healthyMs = 60_000;

/** Number of deaths in a row, including this one. */
export const deathsAfter = (before: number, { livedMs }: Pick<ChildEnd, 'livedMs'>): number =>
  livedMs >= healthyMs ? 1 : before + 1;

/** Delay in ms before the next child starts: 100, doubled for each death, at most 30,000. @param deaths 1 or more */
export const delayAfterDeath = (deaths: number): number => Math.min(longestMs, firstMs * 2 ** (deaths - 1));
