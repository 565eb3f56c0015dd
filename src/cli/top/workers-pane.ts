import type { WorkerInfo } from 'hotqueue';
import { age, count } from '../output.js';
import { cell, foreign, type Line, type Size } from './line.js';
import { compact } from './numbers.js';
import type { TopQueue } from './snapshot.js';

interface ActiveRow {
  readonly worker: string;
  readonly id: string;
  readonly attempt: number;
  readonly since: number;
}

/** Number of rows that the pane can use: a title, a heading, and a row for each worker and each of its messages. */
export const workersRows = ({ workers }: TopQueue): number =>
  workers.length === 0 ? 1 : 2 + workers.reduce((sum, { activeMessages }) => sum + 1 + activeMessages.length, 0);

/** The workers of a queue, each followed by its messages, the longest running first. With few rows, it leaves out messages first. */
export function workersPane(queue: TopQueue, now: number, { columns, rows }: Size): Line[] {
  const { workers } = queue;
  const facts = [`${compact(queue.done)} done`, `${compact(queue.failed)} failed`].join(', ');
  const title: Line = [
    [`${workers.length === 0 ? 'No worker' : `${count(workers.length, 'worker')}`} on ${queue.name}`, 'bold'],
    [`: ${facts}`],
  ];
  if (workers.length === 0 || rows < 3) return [title].slice(0, rows);
  const room = rows - 2;
  const shown = workers.slice(0, workers.length > room ? room - 1 : room);
  const missing = workers.length - shown.length;
  const named = oldest(shown, room - shown.length - (missing > 0 ? 1 : 0));
  const tree = shown.flatMap((worker) => [
    workerLine(worker, now, columns),
    ...named.filter((row) => row.worker === worker.id).map((row) => activeLine(row, now)),
  ]);
  return [
    title,
    heading(columns),
    ...tree,
    ...(missing > 0 ? [[[`  … ${count(missing, 'more worker')}`, 'dim'] as const]] : []),
  ];
}

/** The messages of all these workers that have been running the longest. */
function oldest(workers: readonly WorkerInfo[], most: number): ActiveRow[] {
  const all = workers.flatMap(({ id: worker, activeMessages }) =>
    activeMessages.map((message) => ({ worker, ...message })),
  );
  return all.sort((one, other) => one.since - other.since).slice(0, Math.max(0, most));
}

const widths = { where: 18, status: 8, runs: 13, done: 8, failed: 6 } as const;
const nameWidth = (columns: number): number =>
  Math.max(8, columns - 2 - Object.values(widths).reduce((sum, width) => sum + width + 1, 0));

function heading(columns: number): Line {
  const { where, status, runs, done, failed } = widths;
  const right = ` ${'done'.padStart(done)} ${'failed'.padStart(failed)}`;
  return [
    [
      `  ${'worker'.padEnd(nameWidth(columns))} ${'process'.padEnd(where)} ${'status'.padEnd(status)} ${'active'.padEnd(runs)}${right}`,
      'dim',
    ],
  ];
}

function workerLine(
  { name, host, pid, process, status, concurrency, active, activeMessages, done, failed }: WorkerInfo,
  now: number,
  columns: number,
): Line {
  const since =
    activeMessages.length === 0
      ? ''
      : ` for ${age(Math.max(0, now - Math.min(...activeMessages.map((one) => one.since))))}`;
  const where = pid === 0 ? '-' : `${process || host}:${pid}`;
  const gap = [' '] as const;
  return [
    ['  '],
    cell(foreign(name, columns), nameWidth(columns)),
    gap,
    cell(foreign(where, columns), widths.where),
    gap,
    cell(status, widths.status, { style: status === 'working' ? undefined : 'yellow' }),
    gap,
    cell(`${active}/${concurrency}${since.replace('for now', 'now')}`, widths.runs),
    gap,
    cell(compact(done), widths.done, { isRight: true }),
    gap,
    cell(compact(failed), widths.failed, { isRight: true, style: failed > 0 ? 'red' : undefined }),
  ];
}

function activeLine({ id, attempt, since }: ActiveRow, now: number): Line {
  const ran = age(Math.max(0, now - since));
  return [
    ['    '],
    cell(foreign(id, 64), Math.max(36, id.length), { style: 'green' }),
    [`  attempt ${attempt}, ${ran === 'now' ? 'just started' : `for ${ran}`}`],
  ];
}
