import type { Connection, Patience } from './connection.js';
import type { Keys } from './keys.js';

/** How long a read waits for an unreachable Redis by default. */
export const tenSeconds: Patience = { withinMs: 10_000 };

/** Members of a sorted set with their scores, from the reply to WITHSCORES. */
export function scored(reply: readonly string[]): [member: string, score: string][] {
  return Array.from({ length: reply.length / 2 }, (_, index) => [reply[2 * index]!, String(reply[2 * index + 1])]);
}

/**
 * The time of a queue, as `queueTime` in `_lib.lua`: the server's clock, and `ahead` ms more after that was set back. Unix ms.
 */
export async function queueTime(
  connection: Connection,
  keys: Keys,
  patience: Patience,
): Promise<{ readonly now: number; readonly ahead: number }> {
  const [[seconds = 0, micros = 0], [time, before]] = await Promise.all([
    connection.call((client) => client.time(), patience),
    connection.call((client) => client.hmget(keys.meta, 'time', 'ahead'), patience),
  ]);
  const clock = Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
  const latest = Number(time ?? 0);
  const ahead = clock >= latest ? 0 : Math.max(Number(before ?? 0), latest - clock);
  return { now: clock + ahead, ahead };
}
