/** Formats the result of a run as a table. */
import { basename } from 'node:path';
import type { DeadLetter } from 'hotqueue';
import type { Paint } from './progress.js';

export interface Result {
  readonly done: number;
  /** Number of failed attempts that were retried. */
  readonly retried: number;
  readonly dead: readonly Pick<DeadLetter, 'reason' | 'error' | 'text' | 'attempts'>[];
  /** Number of tasks that were neither done nor dead at the end. */
  readonly left: number;
  readonly tookMs: number;
  readonly results: string;
}

/** Most dead letters to list; further ones are only counted. */
const mostDead = 20;

export function summary({ done, retried, dead, left, tookMs, results }: Result, paint: Paint): string {
  const tookS = tookMs / 1000;
  const rows: [string, string][] = [
    ['done', paint('green', String(done))],
    [
      'retried',
      retried === 0 ? '0' : paint('yellow', `${retried} ${retried === 1 ? 'attempt' : 'attempts'} that failed`),
    ],
    ['dead', dead.length === 0 ? '0' : paint('red', String(dead.length))],
    ...columns(dead.slice(0, mostDead).map((letter) => [`  ${subject(letter.text)}`, letter.reason, why(letter)])).map(
      (line): [string, string] => ['', line],
    ),
    ...(dead.length > mostDead ? [['', `  and ${dead.length - mostDead} more`] satisfies [string, string]] : []),
    ...(left > 0
      ? [['not done', paint('yellow', `${left}, put again by the next run`)] satisfies [string, string]]
      : []),
    ['time', `${tookS.toFixed(1)} s`],
    ['rate', `${(done / Math.max(tookS, 0.001)).toFixed(1)} images/s`],
    ['results', results],
  ];
  return rows.map(([name, value]) => `  ${paint('bold', name.padEnd(8))}  ${value}`.trimEnd()).join('\n');
}

/** Short text for a payload: the name of its file, or the payload itself. */
function subject(text: string): string {
  try {
    const { path: file } = JSON.parse(text) as { path?: unknown };
    if (typeof file === 'string') return basename(file);
  } catch {
    // Not JSON: shown unchanged.
  }
  return text.slice(0, 40);
}

/** One line with the violations, or with the error of the handler. */
function why({ error }: Pick<DeadLetter, 'error'>): string {
  if (!error) return '';
  const broken = error.violations?.map(({ path, message }) => `${path}: ${message}`).join('; ');
  return (broken || error.message).split('\n')[0]!.slice(0, 100);
}

function columns(table: readonly string[][]): string[] {
  const widths = (table[0] ?? []).map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  return table.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
}
