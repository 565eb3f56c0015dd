import type { StoredEntry } from '../redis/history-reader.js';

/** Every verb of an entry, in the order of a message's life. `docs/history.md` explains them. */
export const historyVerbs = [
  'put',
  'replace',
  'promote',
  'move',
  'take',
  'ack',
  'retry',
  'continue',
  'bury',
  'release',
  'give-back',
  'recover',
  'cancel',
  'clear',
  'revive',
  'drop',
  'fire',
] as const;

/** What happened to a message. */
export type HistoryVerb = (typeof historyVerbs)[number];

/**
 * One transition of one message. What does not apply is absent.
 *
 * @example
 * ```ts
 * for (const { at, verb, worker, error } of await orders.history.read({ id })) console.log(new Date(at), verb, worker, error);
 * ```
 */
export interface HistoryEntry {
  /** Key of the entry in the stream, such as `1700000000000-0`. Later entries have greater keys. */
  readonly key: `${number}-${number}`;
  /** When it happened: Unix ms, by the clock of the Redis server. */
  readonly at: number;
  /** What happened. */
  readonly verb: HistoryVerb;
  /** Id of the message; `''` for a message of another program that no worker had taken. */
  readonly id: string;
  /** Id of the worker. */
  readonly worker?: string;
  /** Number of the attempt, from 1. */
  readonly attempt?: number;
  /** Name of the error, such as `TypeError`. */
  readonly error?: string;
  /** `bury`: why. */
  readonly reason?: string;
  /** `put` with a delay, `move`: when the message is due, Unix ms. */
  readonly dueAt?: number;
  /** `retry`: ms until the next attempt. */
  readonly delayMs?: number;
  /** `recover`: how many workers have died with the message. */
  readonly crashes?: number;
  /** `fire`: name of the schedule. */
  readonly schedule?: string;
  /** `put` and `replace`, with the option `history: { payload: true }`: the payload as it is stored. */
  readonly payload?: string;
}

/** An entry as a program reads it. */
export function entryOf({ key, fields }: StoredEntry): HistoryEntry {
  const { verb, id = '', worker, attempt, error, reason, dueAt, delayMs, crashes, schedule, payload } = fields;
  const number = (name: string, text: string | undefined): object => (text ? { [name]: Number(text) } : {});
  return {
    ...{ key: key as HistoryEntry['key'], at: Number(key.split('-')[0]), verb: verb as HistoryVerb, id },
    ...(worker && { worker }),
    ...number('attempt', attempt),
    ...(error && { error }),
    ...(reason && { reason }),
    ...number('dueAt', dueAt),
    ...number('delayMs', delayMs),
    ...number('crashes', crashes),
    ...(schedule && { schedule }),
    ...(payload !== undefined && { payload }),
  };
}
