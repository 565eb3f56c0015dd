import { age, harmless, table, widthOf } from '../output.js';
import { cutTo } from '../text-width.js';
import { infoAsJson, infoAsText } from '../info-text.js';
import { foreign } from './line.js';
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
  const room = Math.max(20, columns - 36 - 10);
  const rows = next.map(({ id, putAt, text }) => [
    harmless(id) || '-',
    putAt === null ? '-' : age(Math.max(0, at - putAt)),
    cutTo(foreign(text, room), room),
  ]);
  return ['', table([`next on ${name}`, 'put', 'message'], rows)];
}

/** The same data as plain values: as in `info --json`, plus `next` in each queue. */
export function topAsJson(snapshot: TopSnapshot): object {
  return infoAsJson({ ...snapshot, queues: snapshot.queues.map((queue) => ({ ...queue, next: queue.next ?? [] })) });
}
