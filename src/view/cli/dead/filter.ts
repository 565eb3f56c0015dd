import { InvalidArgumentError, type Command } from 'commander';
import type { DeadLetter } from 'hotqueue';
import { toMs, type Duration } from '../../../contract/durations.js';
import { duration } from '../command.js';

export interface FilterFlags {
  readonly reason?: string;
  readonly error?: string;
  readonly olderThan?: Duration;
}

/** The options that choose letters; all that are given must hold. */
export function withFilters(command: Command): Command {
  return command
    .option('--reason <text>', 'those whose reason contains this', someText)
    .option('--error <text>', "those whose error's name or message contains this", someText)
    .option('--older-than <duration>', 'those buried longer ago, such as 90s, 10m or 2d', duration);
}

/** @returns `undefined` when nothing was asked for */
export function filterOf({ reason, error, olderThan }: FilterFlags, now: number = Date.now()): ((letter: DeadLetter) => boolean) | undefined {
  if (reason === undefined && error === undefined && olderThan === undefined) return undefined;
  const contains = (text: string | undefined, part: string): boolean => text?.toLowerCase().includes(part.toLowerCase()) ?? false;
  const before = olderThan === undefined ? Infinity : now - toMs(olderThan, 'older-than');
  return (letter) =>
    (reason === undefined || contains(letter.reason, reason)) &&
    (error === undefined || contains(letter.error?.name, error) || contains(letter.error?.message, error)) &&
    letter.buriedAt < before;
}

/** Nothing is contained in everything: an empty variable of a shell must not choose all. */
function someText(text: string): string {
  if (text === '') throw new InvalidArgumentError('It is empty, which every letter contains.');
  return text;
}
