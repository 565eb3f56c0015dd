import { paint, printable } from './output.js';
import { columnsOf, cutTo } from './text-width.js';

/** No column is cut to less than this, unless its cells are shorter. */
const leastWidth = 6;
const gap = '  ';
/** Columns that people copy: they are cut last. */
const isCopied = (title: string): boolean => title === 'id' || title === 'key';

/** Columns that a table may have: those of the terminal, or any number for another program. */
export const tableColumns = (stream: NodeJS.WriteStream = process.stdout): number =>
  stream.isTTY === true ? stream.columns || 80 : Infinity;

/**
 * Rows below a heading, safe to print. Each column is as wide as its widest cell, except the last one, which is not padded.
 *
 * If the table is wider than `columns`, the widest columns are cut until it fits.
 */
export function table(
  heading: readonly string[],
  rows: readonly (readonly string[])[],
  columns: number = tableColumns(),
): string {
  const cells = rows.map((row) => row.map((cell) => printable(cell)));
  const widest = heading.map((title, column) =>
    Math.max(columnsOf(title), ...cells.map((row) => widthWithin(row[column] ?? '', columns))),
  );
  const widths = fitted(heading, widest, columns - gap.length * (heading.length - 1));
  const line = (row: readonly string[]): string => {
    const cut = row.map((cell, column) => cutTo(cell, widths[column]!));
    const padded = cut.map((cell, column) =>
      column === heading.length - 1 ? cell : cell + ' '.repeat(widths[column]! - columnsOf(cell)),
    );
    return cutTo(padded.join(gap).trimEnd(), columns);
  };
  return [paint('dim', line(heading)), ...cells.map(line)].join('\n');
}

/** Columns of a cell. A message can have a megabyte, and measuring it is slow: what is far wider than the table is not measured. */
const widthWithin = (cell: string, columns: number): number => columnsOf(cell.slice(0, columns * 8));

/** The widths of columns, with the widest ones cut until all need at most `room` together. */
function fitted(heading: readonly string[], widest: readonly number[], room: number): readonly number[] {
  const widths = widest.map((width) => Math.min(width, Math.max(room, leastWidth)));
  for (const mayCut of [(title: string) => !isCopied(title), isCopied]) {
    while (sum(widths) > room) {
      const open = widths.map((width, column) => (mayCut(heading[column]!) ? width : 0));
      const longest = Math.max(...open);
      if (longest <= leastWidth) break;
      widths[open.indexOf(longest)] = longest - 1;
    }
  }
  return widths;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
