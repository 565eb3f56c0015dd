import type { Connection, Patience } from './connection.js';
import type { Keys } from './keys.js';
import { scored, tenSeconds } from './reading.js';
import type { Lease, StateCounts } from './reader.js';

/** What an overview shows of a queue, read in one step. */
export interface StoredOverview extends StateCounts {
  readonly isPaused: boolean;
  /** The time of the queue, Unix ms. */
  readonly now: number;
  /** Attempts of workers that have left; those of the others are in their heartbeats. */
  readonly done: number;
  readonly failed: number;
  /** The first 256 bytes of the first message of each list of waiting messages. */
  readonly heads: readonly string[];
  readonly leases: readonly Lease[];
  readonly heartbeats: Readonly<Record<string, string>>;
  readonly firstSchedule: { readonly name: string; readonly dueAt: number } | undefined;
}

/** A message of which only the first bytes were read. */
export interface CutMessage {
  /** All bytes of the message in Redis. */
  readonly size: number;
  /** Its first bytes as text, without a character that was cut in two. */
  readonly start: string;
}

/** A dead letter or a delayed message, and its score: when it was buried or is due, Unix ms. */
export interface CutEntry extends CutMessage {
  readonly key: string;
  readonly score: string;
}

interface Page {
  readonly offset: number;
  readonly limit: number;
  /** Most bytes to read of each message. */
  readonly bytes: number;
}

type Reply = readonly [readonly number[], string[], string[], string[], string[]];

/** Reads for screens: few commands, and of a large message only its first bytes. Changes nothing. */
export class OverviewReader {
  constructor(
    private readonly connection: Connection,
    private readonly keys: Keys,
  ) {}

  /**
   * overview: counts, pause, workers and the first schedule of a queue.
   *
   * @param known ids of the workers of the last call, in its order: with them, one command is enough
   */
  async overview(known: readonly string[], patience = tenSeconds): Promise<StoredOverview> {
    const { workers, delayed, dead, waiting, heartbeats, meta, schedules } = this.keys;
    for (let asked = known; ;) {
      const claims = asked.map((worker) => this.keys.claims(worker));
      const keys = [workers, delayed, dead, ...waiting, heartbeats, meta, schedules, ...claims];
      const reply = (await this.connection.script('overview', keys, asked, patience)) as Reply;
      const found = overviewOf(reply);
      if (found.active >= 0) return found;
      asked = found.leases.map(({ worker }) => worker);
    }
  }

  /** peek: waiting messages, in the order in which they will be taken. */
  async waiting({ offset, limit, bytes }: Page, patience: Patience = tenSeconds): Promise<CutMessage[]> {
    const args = [offset, limit, bytes].map(String);
    const flat = (await this.connection.script('peek', this.keys.waiting, args, patience)) as unknown[];
    return Array.from({ length: flat.length / 2 }, (_, index) => ({
      size: Number(flat[2 * index]),
      start: whole(flat[2 * index + 1]),
    }));
  }

  /** entries: dead letters, the newest first. */
  dead(page: Page, patience: Patience = tenSeconds): Promise<CutEntry[]> {
    return this.#entries([this.keys.dead, this.keys.deadMessages], page, 'newest', patience);
  }

  /** entries: delayed messages, the one that is due first at first. */
  delayed(page: Page, patience: Patience = tenSeconds): Promise<CutEntry[]> {
    return this.#entries([this.keys.delayed, this.keys.delayedMessages], page, 'oldest', patience);
  }

  async #entries(
    keys: readonly string[],
    { offset, limit, bytes }: Page,
    order: 'newest' | 'oldest',
    patience: Patience,
  ): Promise<CutEntry[]> {
    const args = [...[offset, limit, bytes].map(String), order];
    const flat = (await this.connection.script('entries', keys, args, patience)) as unknown[];
    return Array.from({ length: flat.length / 4 }, (_, index) => {
      const [key, score, size, start] = flat.slice(4 * index, 4 * index + 4);
      return { key: String(key), score: String(score), size: Number(size), start: whole(start) };
    });
  }
}

const whole = (text: unknown): string => String(text).replace(/\uFFFD$/, '');

function overviewOf([counts, heads, first, leases, heartbeats]: Reply): StoredOverview {
  const [waiting = 0, delayed = 0, dead = 0, active = 0, paused, now = 0, done = 0, failed = 0] = counts;
  const found = scored(leases).map(([worker, endsAt]) => ({ worker, endsAt: Number(endsAt) }));
  const [schedule] = scored(first);
  return {
    ...{ waiting, delayed, dead, active, now, done, failed, heads },
    workers: found.length,
    isPaused: paused === 1,
    leases: found,
    heartbeats: Object.fromEntries(scored(heartbeats)),
    firstSchedule: schedule && {
      name: schedule[0],
      dueAt: schedule[1] === 'inf' ? Infinity : Number(schedule[1]),
    },
  };
}
