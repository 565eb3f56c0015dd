import { styleText } from 'node:util';
import { printable, printableLines } from '../core/printable.js';

export { printable, printableLines };

/** True if the output may have colours: on a terminal, and not if `NO_COLOR` is set. `FORCE_COLOR` overrides the terminal check. */
export function hasColour(stream: NodeJS.WriteStream = process.stdout): boolean {
  if (process.env['NO_COLOR'] !== undefined && process.env['NO_COLOR'] !== '') return false;
  if (process.env['FORCE_COLOR'] !== undefined) return process.env['FORCE_COLOR'] !== '0';
  return stream.isTTY === true && process.env['TERM'] !== 'dumb';
}

type Style = Parameters<typeof styleText>[0];

/** Text in a colour, if the output may have colours. */
export function paint(style: Style, text: string, stream?: NodeJS.WriteStream): string {
  return hasColour(stream) ? styleText(style, text) : text;
}

/** Columns of the terminal; 80 if there is none. */
export function widthOf(stream: NodeJS.WriteStream = process.stdout): number {
  return stream.columns || 80;
}

/** Prints one or more lines on stdout. */
export function print(text: string): void {
  process.stdout.write(`${safe(text, process.stdout)}\n`);
}

/** Prints a note for people on stderr. stdout is for results. */
export function say(text: string): void {
  process.stderr.write(`${safe(text, process.stderr)}\n`);
}

/** A colour that {@link paint} sets or ends. */
// eslint-disable-next-line no-control-regex
const colour = /(\u001b\[\d+m)/;

/**
 * Lines that are safe to print: nothing but line breaks and colours controls the terminal.
 *
 * Text from outside goes through `printable` where it is put into a line. This is the second check, for text that was forgotten there.
 */
export function safe(text: string, stream: NodeJS.WriteStream = process.stdout): string {
  if (!hasColour(stream)) return printableLines(text);
  return text
    .split(colour)
    .map((part, index) => (index % 2 === 1 ? part : printableLines(part)))
    .join('');
}

const units = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1_000, 's'],
  [1, 'ms'],
] as const;

/** A duration that is not rounded, in the largest unit that fits: `90 s`, `2 h`, `250 ms`. */
export function exactly(ms: number): string {
  const [size, name] = units.find(([size]) => ms % size === 0)!;
  return `${ms / size} ${name}`;
}

/** A duration for people: `now` (under a second), `42 s`, `3 min`, `2 h`, `5 d`. */
export function age(ms: number): string {
  if (ms < 1_000) return 'now';
  const [size, name] = units.find(([least]) => ms >= least)!;
  return `${Math.floor(ms / size)} ${name}`;
}

/** How long ago a time is, for people: `now`, `3 min ago`. Two clocks may differ, so a time that is not over yet is now. */
export function ago(at: number, now: number): string {
  const text = age(Math.max(0, now - at));
  return text === 'now' ? text : `${text} ago`;
}

/** `in 5 min`; `now` for a time that has come. */
export function ahead(at: number, now: number): string {
  const text = age(Math.max(0, at - now));
  return text === 'now' ? text : `in ${text}`;
}

/** `1 message`, `2 messages`. */
export const count = (n: number, what: string): string => `${n.toLocaleString('en')} ${what}${n === 1 ? '' : 's'}`;

/**
 * JSON on one line, safe to print on a terminal. It parses to the same value as `JSON.stringify`.
 *
 * `JSON.stringify` leaves some characters that a terminal obeys (C1 controls, marks that change the direction).
 */
export const jsonLine = (value: unknown): string => printable(JSON.stringify(value), 'json');

/** As {@link jsonLine}. The value of one key is JSON text already, and is inserted unchanged. */
export function jsonWith(fields: Readonly<Record<string, unknown>>, key: string): string {
  const members = Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : [`${jsonLine(name)}:${name === key ? (value as string) : jsonLine(value)}`],
  );
  return `{${members.join(',')}}`;
}
