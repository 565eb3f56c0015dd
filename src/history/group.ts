import type { HistoryReader, StoredEntry } from '../redis/history-reader.js';
import { entryOf, type HistoryEntry } from './entry.js';
import { startOf } from './follow.js';
import { Waiting } from './waiting.js';

/** So few entries at once: what a consumer has and does not work on yet waits for it. */
const mostAtOnce = 16;

interface GroupMember {
  readonly group: string;
  readonly consumer: string;
  readonly claimAfterMs: number;
}

/** The entries of one consumer of a group: what it had before, what dead consumers left, and new ones. */
export async function* followGroup(
  reader: HistoryReader,
  { group, consumer, claimAfterMs }: GroupMember,
  since: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<HistoryEntry, void, undefined> {
  const waiting = new Waiting(reader, signal);
  const patience = { signal };
  let lookedAt = -Infinity;
  let isFirst = true;

  /** @returns entries for this consumer; waits up to 5 s for one */
  async function next(): Promise<StoredEntry[]> {
    if (performance.now() - lookedAt >= claimAfterMs / 2) {
      lookedAt = performance.now();
      const left = await reader.takeOver(group, consumer, claimAfterMs, mostAtOnce, patience);
      if (left.length > 0) return left;
    }
    return waiting.read(
      (line) => reader.waitForGroup(line, group, consumer, mostAtOnce),
      async () => {
        await reader.createGroup(group, '0-0', patience); // the queue may have been removed, and its history with it
        return [];
      },
    );
  }

  try {
    await reader.createGroup(group, await startOf(reader, since), patience);
    while (!signal.aborted) {
      const entries = isFirst ? await unacknowledged(reader, group, consumer, patience) : await next();
      isFirst = false;
      let keptAt = performance.now();
      for (const [at, entry] of entries.entries()) {
        if (signal.aborted) return;
        if (performance.now() - keptAt > claimAfterMs / 3) {
          const others = entries.slice(at).map(({ key }) => key);
          await reader.keep(group, consumer, others, patience);
          keptAt = performance.now();
        }
        yield entryOf(entry);
        await reader.acknowledge(group, entry.key, {});
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    await waiting.close();
  }
}

/** What an earlier process of this name did not acknowledge. Entries that were trimmed meanwhile are acknowledged. */
async function unacknowledged(
  reader: HistoryReader,
  group: string,
  consumer: string,
  patience: { readonly signal: AbortSignal },
): Promise<StoredEntry[]> {
  const all: StoredEntry[] = [];
  for (let after = '0'; ;) {
    const page = await reader.pending(group, consumer, after, patience);
    for (const entry of page) {
      if ('verb' in entry.fields) all.push(entry);
      else await reader.acknowledge(group, entry.key, patience);
    }
    const last = page.at(-1);
    if (!last) return all;
    after = last.key;
  }
}
