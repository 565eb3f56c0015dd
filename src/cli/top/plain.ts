import { age, harmless, table, widthOf } from '../output.js';
import { cutTo } from '../text-width.js';
import { infoAsJson, infoAsText } from '../info-text.js';
import { foreign } from './line.js';
import type { SeenQueue, Snapshot } from './snapshot.js';

/** The output of `info`, then the next messages of each queue. */
export function sightAsText(sight: Snapshot, columns = widthOf()): string {
  if (sight.queues.length === 0) return 'no queue yet';
  return [infoAsText(sight, columns), ...sight.queues.flatMap((queue) => nextOf(queue, sight.at, columns))].join('\n');
}

function nextOf({ name, next }: SeenQueue, at: number, columns: number): string[] {
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
export function sightAsJson(sight: Snapshot): object {
  return infoAsJson({ ...sight, queues: sight.queues.map((queue) => ({ ...queue, next: queue.next ?? [] })) });
}
