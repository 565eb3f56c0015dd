import type { WorkerInfo } from 'hotqueue';
import type { QueueSnapshot, Rates } from '../inspect/snapshot.js';
import { age, ahead, count, paint, widthOf } from './output.js';
import { cutTo } from './text-width.js';
import { bar } from './progress.js';
import { workersAsTable } from './worker-rows.js';

/** A snapshot of queues, with the rates since the snapshot before. */
export interface Info {
  /** Unix ms. */
  readonly at: number;
  readonly queues: readonly (QueueSnapshot & { readonly rates: Rates | undefined })[];
}

type Queue = Info['queues'][number];

/** A line for each queue: a bar (its length as a share of the longest queue) and the counts. Then a table of the workers. */
export function infoAsText(info: Info, columns = widthOf()): string {
  const nameWidth = Math.min(60, Math.max(...info.queues.map(({ name }) => name.length)));
  const barWidth = Math.max(4, Math.min(40, Math.floor(columns / 4)));
  const most = Math.max(1, ...info.queues.map(({ waiting }) => waiting));
  const lines = info.queues.map((queue) => {
    const share = paint('cyan', bar(queue.waiting / most, barWidth));
    return `${cutTo(queue.name, nameWidth).padEnd(nameWidth)} ${share} ${countsOf(queue, info.at)}`;
  });
  const workers = info.queues.flatMap((queue) => queue.workers);
  const sum = info.queues.reduce((total, { waiting }) => total + waiting, 0);
  const totals = `${count(info.queues.length, 'queue')}, ${count(sum, 'message')} waiting, ${count(workers.length, 'worker')}`;
  return [...lines, '', totals, ...workersOf(workers, info.at)].join('\n');
}

function countsOf(
  { waiting, active, delayed, dead, done, failed, rates, oldestAt, isPaused, nextSchedule }: Queue,
  at: number,
): string {
  const n = (value: number): string => value.toLocaleString('en');
  const perSecond = (rate: number | undefined): string => (rate === undefined ? '' : ` (${n(rate)}/s)`);
  const parts = [
    `${n(waiting)} waiting`,
    `${n(active)} active`,
    delayed > 0 && `${n(delayed)} delayed`,
    dead > 0 && paint('red', `${n(dead)} dead`),
    `${n(done)} done${perSecond(rates?.done)}`,
    (failed > 0 || (rates?.failed ?? 0) > 0) && `${n(failed)} failed${perSecond(rates?.failed)}`,
    oldestAt !== undefined && `oldest ${age(at - oldestAt)}`,
    nextSchedule && `schedule ${nextSchedule.name} ${ahead(nextSchedule.dueAt, at)}`,
    isPaused && paint('yellow', 'paused'),
  ];
  return parts.filter((part) => typeof part === 'string').join(', ');
}

function workersOf(workers: readonly WorkerInfo[], at: number): string[] {
  return workers.length === 0 ? [] : ['', workersAsTable(workers, at)];
}

/** The output of `--json`: the same data as plain values. */
export function infoAsJson({ at, queues }: Info): object {
  return {
    at,
    queues: queues.map(({ oldestAt, rates, isPaused, nextSchedule, ...queue }) => ({
      ...queue,
      paused: isPaused,
      oldestAt: oldestAt ?? null,
      nextSchedule: nextSchedule ?? null,
      rates: rates ?? null,
    })),
  };
}
