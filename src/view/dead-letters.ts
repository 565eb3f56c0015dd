import { open } from '../message/envelope.js';
import type { Violation } from '../contract/errors.js';
import type { Channel } from '../runtime/channel.js';

/** A message that was given up. */
export interface DeadLetter {
  readonly id: string;
  readonly queue: string;
  /** Such as `invalid payload`, `failed 3 of 3 attempts`, or what `bury(reason)` was given. */
  readonly reason: string;
  readonly error: { readonly name: string; readonly message: string; readonly stack?: string; readonly violations?: readonly Violation[] } | undefined;
  /** How often it was tried. */
  readonly attempts: number;
  /** Unix ms, the server's. */
  readonly buriedAt: number;
  /** The message as it lay in Redis, byte for byte. */
  readonly bytes: Buffer;
  /** The payload as it was stored. */
  readonly text: string;
}

const patience = { withinMs: 10_000 };

/** What a queue has given up, newest first. */
export class DeadLetters {
  constructor(private readonly channel: Channel) {}

  size(): Promise<number> {
    const { connection, keys } = this.channel.broker;
    return connection.call((client) => client.zcard(keys.dead), patience);
  }

  /** The newest, at most `most` of them. */
  async list(most = 100): Promise<DeadLetter[]> {
    const { connection, keys } = this.channel.broker;
    const newest = await connection.call((client) => client.zrevrange(keys.dead, 0, most - 1, 'WITHSCORES'), patience);
    const members = newest.filter((_, index) => index % 2 === 0);
    if (members.length === 0) return [];
    const entries = await connection.call((client) => client.hmgetBuffer(keys.deadMessages, ...members), patience);
    return entries.flatMap((entry, index) => (entry ? [letterOf(this.channel.name, members[index]!, Number(newest[index * 2 + 1]), entry)] : []));
  }
}

interface Record {
  readonly reason: string;
  readonly attempts: number;
  readonly error?: DeadLetter['error'];
}

function letterOf(queue: string, member: string, buriedAt: number, entry: Buffer): DeadLetter {
  const end = entry.indexOf(10);
  const { reason, attempts, error } = JSON.parse(entry.toString('utf8', 0, end)) as Record;
  const bytes = entry.subarray(end + 1);
  const { header, text } = open(bytes.toString('utf8'));
  return { id: header?.id ?? member, queue, reason, error, attempts, buriedAt, bytes, text };
}
