import type { paint } from '../output.js';
import { harmless } from '../output.js';

export type Style = Parameters<typeof paint>[0];
/** Gives text a colour, or returns it unchanged if there are no colours. */
export type Paint = (style: Style, text: string) => string;

/** Size of the screen, or of a part of it, in characters. */
export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** Text of one style. */
export type Span = readonly [text: string, style?: Style];
/** One row of the screen. Styles are added last, because text without styles can be measured and cut. */
export type Line = readonly Span[];

// Marks and joiners take no column. East Asian characters and most emoji take two.
const none = /^[\p{Mn}\p{Me}\p{Cf}]$/u;
const two =
  /^[\p{Emoji_Presentation}\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1b000}-\u{1b2ff}\u{1f200}-\u{1f2ff}\u{20000}-\u{3fffd}]$/u;
const plain = /^[\x20-\x7e█▏▎▍▌▋▊▉…│·↑↓]*$/;

/** Number of columns of a text. Where terminals differ, it returns the larger number. */
export function columnsOf(text: string): number {
  if (plain.test(text)) return text.length;
  let columns = 0;
  for (const character of text) columns += columnsOfOne(character);
  return columns;
}

const columnsOfOne = (character: string): number => (none.test(character) ? 0 : two.test(character) ? 2 : 1);

/** Cuts a text to a number of columns. A cut text ends with an ellipsis. */
export function cutTo(text: string, columns: number): string {
  if (columns <= 0) return '';
  // A quick check that a huge text cannot fit. A character has at most two code units, and at least one column unless it is a mark.
  if (text.length <= columns * 4 && columnsOf(text) <= columns) return text;
  let kept = '';
  let used = 0;
  for (const character of text) {
    const more = columnsOfOne(character);
    if (used + more > columns - 1) break;
    kept += character;
    used += more;
  }
  return `${kept}…`;
}

/** A text that is cut or padded to exactly `columns` columns. */
export function cell(
  text: string,
  columns: number,
  { style, isRight = false }: { style?: Style | undefined; isRight?: boolean } = {},
): Span {
  const cut = cutTo(text, columns);
  const gap = ' '.repeat(Math.max(0, columns - columnsOf(cut)));
  const padded = isRight ? gap + cut : cut + gap;
  return style === undefined ? [padded] : [padded, style];
}

/** A row that is cut or padded to exactly `columns` columns. */
export function fit(line: Line, columns: number): Line {
  const fitted: Span[] = [];
  let left = columns;
  for (const [text, style] of line) {
    if (left === 0) break;
    const cut = cutTo(text, left);
    fitted.push(style === undefined ? [cut] : [cut, style]);
    left -= columnsOf(cut);
  }
  return left === 0 ? fitted : [...fitted, [' '.repeat(left)]];
}

export function painted(line: Line, paint: Paint): string {
  return line
    .map(([text, style]) => (style === undefined ? text : paint(style, text)))
    .join('')
    .trimEnd();
}

/**
 * Text from another program, cut and made safe to show. Escapes control characters, and characters that would change the
 * direction of the text beside them.
 */
export function foreign(text: string, columns: number): string {
  const part = text.slice(0, columns * 4 + 4);
  return harmless(part).replace(
    /[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
