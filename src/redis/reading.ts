import type { Patience } from './connection.js';

/** How long a read waits for an unreachable Redis by default. */
export const tenSeconds: Patience = { withinMs: 10_000 };

/** Members of a sorted set with their scores, from the reply to WITHSCORES. */
export function scored(reply: readonly string[]): [member: string, score: string][] {
  return Array.from({ length: reply.length / 2 }, (_, index) => [reply[2 * index]!, String(reply[2 * index + 1])]);
}
