import { age, widthOf } from '../output.js';
import { table } from '../table.js';
import { infoAsJson, infoAsText } from '../info-text.js';
import type { TopQueue, TopSnapshot } from './snapshot.js';

/** The output of `info`, then the next messages of each queue. */
export function topAsText(snapshot: TopSnapshot, columns = widthOf()): string {
  if (snapshot.queues.length === 0) return 'no queue yet';
  return [
    infoAsText(snapshot, columns),
    ...snapshot.queues.flatMap((queue) => nextOf(queue, snapshot.at, columns)),
  ].join('\n');
}

function nextOf({ name, next }: TopQueue, at: number, columns: number): string[] {
  if (!next || next.length === 0) return [];
  const rows = next.map(({ id, putAt, text }) => [
    id || '-',
    putAt === null ? '-' : age(Math.max(0, at - putAt)),
    text,
  ]);
  return ['', table([`next on ${name}`, 'put', 'message'], rows, columns)];
}

/** The same data as plain values: as in `info --json`, plus `next` in each queue. */
export function topAsJson(snapshot: TopSnapshot): object {
  return infoAsJson({ ...snapshot, queues: snapshot.queues.map((queue) => ({ ...queue, next: queue.next ?? [] })) });
}
