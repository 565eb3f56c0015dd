import type { HistoryReader, StoredEntry } from '../redis/history-reader.js';
import { entryOf, type HistoryEntry } from './entry.js';
import { Waiting } from './waiting.js';

/** All entries after a place, and those that come, until the signal aborts. @param since a key or Unix ms; default: only new ones */
export async function* followAll(
  reader: HistoryReader,
  since: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<HistoryEntry, void, undefined> {
  const waiting = new Waiting(reader, signal);
  try {
    let last = await startOf(reader, since);
    while (!signal.aborted) {
      const from = last;
      const entries = await waiting.read<StoredEntry>(
        (line) => reader.waitAfter(line, from),
        () => reader.after(from, { signal }),
      );
      for (const entry of entries) {
        if (signal.aborted) return;
        last = entry.key;
        yield entryOf(entry);
      }
    }
  } finally {
    await waiting.close();
  }
}

/** The key after which entries are read. `$` of Redis would lose entries when the connection breaks before the first one. */
export async function startOf(reader: HistoryReader, since: string | undefined): Promise<string> {
  if (since === undefined) return reader.last();
  if (since.includes('-')) return since;
  const ms = BigInt(since);
  return ms === 0n ? '0-0' : `${ms - 1n}-18446744073709551615`;
}
