import { styleText } from 'node:util';
import { columnsOf } from './text-width.js';

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
  process.stdout.write(`${text}\n`);
}

/** Prints a note for people on stderr. stdout is for results. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Rows below a heading. Each column is as wide as its widest cell, except the last one, which is not padded. */
export function table(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = heading.map((title, column) =>
    Math.max(...[title, ...rows.map((row) => row[column] ?? '')].map(columnsOf)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) =>
        column === heading.length - 1 ? cell : cell + ' '.repeat(widths[column]! - columnsOf(cell)),
      )
      .join('  ')
      .trimEnd();
  return [paint('dim', line(heading)), ...rows.map(line)].join('\n');
}

/** A duration for people: `now` (under a second), `42 s`, `3 min`, `2 h`, `5 d`. */
export function age(ms: number): string {
  if (ms < 1_000) return 'now';
  const units = [
    [86_400_000, 'd'],
    [3_600_000, 'h'],
    [60_000, 'min'],
    [1_000, 's'],
  ] as const;
  const [size, name] = units.find(([least]) => ms >= least)!;
  return `${Math.floor(ms / size)} ${name}`;
}

/** `1 message`, `2 messages`. */
export const count = (n: number, what: string): string => `${n.toLocaleString('en')} ${what}${n === 1 ? '' : 's'}`;

/** Escapes control characters of text that came from a message: on a terminal they would move the cursor, or worse. */
export function harmless(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (character) =>
    character === '\t' ? ' ' : `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}

/**
 * JSON on one line, safe to print on a terminal. It parses to the same value as `JSON.stringify`.
 *
 * Escapes two more kinds of characters: those that a terminal obeys (C1 controls), and those that change the order of the text
 * on the screen (bidirectional marks).
 */
export function jsonLine(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
