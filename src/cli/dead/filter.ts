import { InvalidArgumentError, type Command } from 'commander';
import type { DeadLetter } from 'hotqueue';
import { durationMs } from '../command.js';
import { errorLine } from '../facts.js';

export interface FilterFlags {
  readonly reason?: string;
  readonly error?: string;
  /** In ms. */
  readonly olderThan?: number;
}

/** Adds the options that choose dead letters. A dead letter must match all options that are given. */
export function withFilters(command: Command): Command {
  return command
    .option('--reason <text>', 'only those with this text in the reason', someText)
    .option('--error <text>', 'only those with this text in the name, message or causes of the error', someText)
    .option('--older-than <duration>', 'only those buried longer ago than this, such as 90s, 10m or 2d', durationMs);
}

/** @returns the filter in the options; `undefined` if there is none */
export function filterOf(
  { reason, error, olderThan }: FilterFlags,
  now: number = Date.now(),
): ((letter: DeadLetter) => boolean) | undefined {
  if (reason === undefined && error === undefined && olderThan === undefined) return undefined;
  const contains = (text: string | undefined, part: string): boolean =>
    text?.toLowerCase().includes(part.toLowerCase()) ?? false;
  const before = olderThan === undefined ? Infinity : now - olderThan;
  return (letter) =>
    (reason === undefined || contains(letter.reason, reason)) &&
    (error === undefined || contains(letter.error && errorLine(letter.error), error)) &&
    letter.buriedAt < before;
}

/** Refuses an empty text: every dead letter contains it, so an empty shell variable would choose all of them. */
function someText(text: string): string {
  if (text === '') throw new InvalidArgumentError('It must not be empty: every dead letter contains an empty text.');
  return text;
}
