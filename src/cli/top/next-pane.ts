import { age, ahead } from '../output.js';
import { cell, foreign, type Line, type Size } from './line.js';
import type { StoredMessage, TopQueue } from './snapshot.js';

/** Number of rows that the pane can use: a title and a row for each message. */
export const nextRows = ({ next }: TopQueue): number => 1 + Math.max(1, next?.length ?? 0);

const ageWidth = 7;

/** The next messages, in the order in which workers take them: id, time since the put, payload. */
export function nextPane(
  { name, next, waiting, isPaused, nextSchedule }: TopQueue,
  now: number,
  { columns, rows }: Size,
): Line[] {
  const due = nextSchedule ? `, schedule ${nextSchedule.name} ${ahead(nextSchedule.dueAt, now)}` : '';
  const title: Line = [[`Next on ${name}`, 'bold'], [isPaused ? ' (paused)' : ''], [due]];
  if (next === undefined) return [title, [['  …', 'dim']]].slice(0, rows) as Line[];
  if (next.length === 0) return [title, [['  no message is waiting', 'dim']]].slice(0, rows) as Line[];
  const isCut = waiting > rows - 1 && rows > 2;
  const shown = next.slice(0, isCut ? rows - 2 : rows - 1);
  const more = Math.max(0, waiting - shown.length);
  const idWidth = Math.min(36, Math.max(1, ...shown.map(({ id }) => id.length)));
  const lines = shown.map((one) => messageLine(one, idWidth, now, columns));
  return [title, ...lines, ...(isCut ? [[[`  … ${more.toLocaleString('en')} more`, 'dim'] as const]] : [])].slice(
    0,
    rows,
  );
}

function messageLine(
  { id, putAt, attempts, text }: StoredMessage,
  idWidth: number,
  now: number,
  columns: number,
): Line {
  const failed = attempts === 0 ? [] : [[`failed ${attempts}× `, 'red'] as const];
  const put = putAt === null ? '-' : age(Math.max(0, now - putAt));
  return [
    ['  '],
    cell(foreign(id, 64) || '-', idWidth, { style: 'green' }),
    [' '],
    cell(put, ageWidth, { isRight: true }),
    ['  '],
    ...failed,
    [foreign(text, columns)],
  ];
}
