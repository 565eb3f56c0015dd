import { stripVTControlCharacters, styleText } from 'node:util';

/** What the screen can show: colours and bars only where a person looks, and never where `NO_COLOR` is set. */
export function hasColour(stream: NodeJS.WriteStream = process.stdout): boolean {
  if (process.env['NO_COLOR'] !== undefined && process.env['NO_COLOR'] !== '') return false;
  if (process.env['FORCE_COLOR'] !== undefined) return process.env['FORCE_COLOR'] !== '0';
  return stream.isTTY === true && process.env['TERM'] !== 'dumb';
}

type Style = Parameters<typeof styleText>[0];

/** Text in a colour, where there are colours. */
export function paint(style: Style, text: string, stream?: NodeJS.WriteStream): string {
  return hasColour(stream) ? styleText(style, text) : text;
}

/** Columns of a terminal; 80 where there is none. */
export function widthOf(stream: NodeJS.WriteStream = process.stdout): number {
  return stream.columns || 80;
}

/** One line, or several, on stdout. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** For a person, on stderr: stdout is for results. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Rows under a heading, each column as wide as its widest cell; the last is left as it is. */
export function table(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = heading.map((title, column) => Math.max(...[title, ...rows.map((row) => row[column] ?? '')].map(lengthOf)));
  const line = (cells: readonly string[]): string => cells.map((cell, column) => (column === heading.length - 1 ? cell : cell + ' '.repeat(widths[column]! - lengthOf(cell)))).join('  ').trimEnd();
  return [paint('dim', line(heading)), ...rows.map(line)].join('\n');
}

const lengthOf = (text: string): number => stripVTControlCharacters(text).length;

/** `just now`, `42 s`, `3 min`, `2 h`, `5 d`. */
export function age(ms: number): string {
  if (ms < 1_000) return 'now';
  const units = [[86_400_000, 'd'], [3_600_000, 'h'], [60_000, 'min'], [1_000, 's']] as const;
  const [size, name] = units.find(([least]) => ms >= least)!;
  return `${Math.floor(ms / size)} ${name}`;
}

/** `1 message`, `2 messages`. */
export const count = (n: number, what: string): string => `${n.toLocaleString('en')} ${what}${n === 1 ? '' : 's'}`;

/** What came from a message, safe to show: control characters would move the cursor, or worse. */
export function harmless(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (character) => (character === '\t' ? ' ' : `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`));
}

/**
 * JSON of one line, safe to show: equal to what `JSON.stringify` makes, with the characters escaped that JSON leaves alone and a
 * terminal acts on (C1 controls), or shows in another order than they stand (bidirectional marks).
 */
export function jsonLine(value: unknown): string {
  return JSON.stringify(value).replace(/[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Cut to so many columns. */
export const cut = (text: string, columns: number): string => (text.length <= columns ? text : `${text.slice(0, Math.max(0, columns - 1))}…`);
