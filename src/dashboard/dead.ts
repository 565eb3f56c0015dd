import { deadPage, type DeadPageLetter } from '../inspect/pages.js';
import type { DeadGroup, DeadGroups } from './api.js';
import type { Sources, TextQueue } from './sources.js';

/** So many dead letters are read and grouped, the newest first. */
const mostGrouped = 2_000;
const chunk = 200;

/** Dead letters with the same reason and the same kind of error, the largest group first. */
export async function deadGroups({ options }: Sources, queue: TextQueue): Promise<DeadGroups> {
  const total = await queue.dead.size();
  const groups = new Map<string, DeadGroup & { keys: string[] }>();
  let read = 0;
  for (let offset = 0; offset < mostGrouped; offset += chunk) {
    const page = await deadPage(queue.name, { offset, limit: chunk, bytes: 1 }, options.address);
    page.forEach((letter) => add(groups, letter));
    read += page.length;
    if (page.length < chunk) break;
  }
  return { total, read, groups: [...groups.values()].sort((one, other) => other.count - one.count) };
}

function add(groups: Map<string, DeadGroup & { keys: string[] }>, letter: DeadPageLetter): void {
  const { key, reason, error, buriedAt } = letter;
  const kind = JSON.stringify([alike(reason), error?.name, error && alike(error.message)]);
  const group = groups.get(kind);
  if (!group) {
    const shown = { reason, error: error?.name ?? null, message: error ? error.message.slice(0, 500) : null };
    groups.set(kind, { ...shown, count: 1, newestAt: buriedAt, oldestAt: buriedAt, keys: [key] });
    return;
  }
  group.keys.push(key);
  groups.set(kind, { ...group, count: group.count + 1, oldestAt: Math.min(group.oldestAt, buriedAt) });
}

/** Messages that differ in numbers, ids and quoted names only are alike: `order 17 is gone`, `order 18 is gone`. */
export const alike = (text: string): string =>
  text
    .slice(0, 500)
    .replace(/[0-9a-f]{8}-[0-9a-f-]{27,}/gi, '#')
    .replace(/"[^"]*"|'[^']*'/g, '"…"')
    .replace(/\d+/g, '#');
