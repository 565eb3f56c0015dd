import type { paint } from '../output.js';
import { columnsOf, cutTo } from '../text-width.js';
import { printable } from '../output.js';

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

/** Text from another program, cut and made safe to show. */
export const foreign = (text: string, columns: number): string => printable(text.slice(0, columns * 4 + 4));
