/** Formats a snapshot of a queue: as a panel for a terminal, or as one line for a pipe. */
import path from 'node:path';
import type { Counts } from 'hotqueue';
import type { Paint } from './progress.js';

export interface Look {
  /** Monotonic time in ms. */
  readonly at: number;
  readonly counts: Counts;
  /** Payloads of the next messages, in order. */
  readonly next: readonly unknown[];
  readonly before?: Pick<Look, 'at' | 'counts'> | undefined;
}

/** Number of tasks that are not done yet: waiting, delayed or active. */
const toDo = ({ waiting, delayed, active }: Counts): number => waiting + delayed + active;

/** Decrease of open tasks per second. Negative if more tasks are put than done, `undefined` for the first snapshot. */
export function rate({ at, counts, before }: Look): number | undefined {
  if (!before || at <= before.at) return undefined;
  return (toDo(before.counts) - toDo(counts)) / ((at - before.at) / 1000);
}

export function line(name: string, look: Look): string {
  const { waiting, delayed, active, dead, workers } = look.counts;
  const numbers = Object.entries({ waiting, delayed, active, dead, workers }).map(
    ([what, count]) => `${what} ${count}`,
  );
  const next = look.next.map((payload) => title(payload));
  return [
    name,
    ...numbers,
    `rate ${perSecond(rate(look))}`,
    ...(next.length > 0 ? [`next ${next.join(', ')}`] : []),
  ].join('  ');
}

export function panel(name: string, look: Look, width: number, paint: Paint): string[] {
  const { waiting, delayed, active, dead, workers } = look.counts;
  const rows: [string, number | string, 'red' | 'green' | undefined][] = [
    ['waiting', waiting, undefined],
    ['delayed', delayed, undefined],
    ['active', active, undefined],
    ['dead', dead, dead > 0 ? 'red' : undefined],
    ['workers', workers, workers > 0 ? 'green' : undefined],
    ['rate', perSecond(rate(look)), undefined],
  ];
  return [
    paint('bold', `queue ${name}`),
    ...rows.map(([what, value, color]) => `  ${what.padEnd(8)} ${color ? paint(color, String(value)) : value}`),
    look.next.length > 0 ? '  next' : '  nothing is waiting',
    ...look.next.map((payload, index) => `    ${index + 1}. ${title(payload)}`.slice(0, width)),
    paint('gray', '  Ctrl-C ends'),
  ];
}

function perSecond(value: number | undefined): string {
  if (value === undefined) return '-';
  const way = value === 0 ? '' : value < 0 ? ' more' : ' fewer';
  return `${Math.abs(value).toFixed(1)}/s${way}`;
}

/** Short text for a payload: file and size of a task, JSON for anything else. */
function title(payload: unknown): string {
  const { path: file, width, height } = (payload ?? {}) as { path?: unknown; width?: unknown; height?: unknown };
  return typeof file === 'string'
    ? `${path.basename(file)} to ${String(width)}×${String(height)}`
    : (JSON.stringify(payload) ?? 'undefined').slice(0, 60);
}
