import type { ErrorRecord } from 'hotqueue';
export { errorLine } from '../wire/error-record.js';
import { ago, paint, printable } from './output.js';

export type Fact = readonly [name: string, value: string];

/** A line for each fact: its name, padded, and its value. */
export function factLines(facts: readonly Fact[]): string[] {
  const widest = Math.max(...facts.map(([name]) => name.length));
  return facts.map(([name, value]) => `${paint('dim', name.padEnd(widest))}  ${printable(value)}`);
}

/** A title and its lines; nothing without lines. */
export function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', paint('bold', title), ...lines.map((line) => printable(line))];
}

/** An error with its causes, as Node prints them: indented below it. */
export function errorLines(error: ErrorRecord, indent = '  '): string[] {
  const { code, cause, errors = [] } = error;
  const text = error.stack ?? `${error.name}: ${error.message}`;
  const below = `${indent}  `;
  return [
    ...text.split('\n').map((line) => indent + line),
    ...(code === undefined ? [] : [`${below}code: ${code}`]),
    ...(cause ? [`${below}cause:`, ...errorLines(cause, `${below}  `)] : []),
    ...errors.flatMap((each, index) => [`${below}errors[${index}]:`, ...errorLines(each, `${below}  `)]),
  ];
}

/** `2026-11-27T12:00:00.000Z, 3 min ago`. */
export const instantText = (at: number, now: number): string => `${new Date(at).toISOString()}, ${ago(at, now)}`;
