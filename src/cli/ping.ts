import type { Command } from 'commander';
import { answer, redisCommand, withQueue, type RedisFlags } from './command.js';

/** `ping`: asks whether Redis answers. */
export function pingCommand(): Command {
  return redisCommand('ping', 'Ask whether Redis answers, and how fast: exit code 0 if it does, 1 if not.', [
    ['ping', 'prints how many ms Redis took'],
    ['ping --url redis://cache:6379', 'for a health check of another machine'],
  ]).action((flags: RedisFlags) =>
    withQueue('ping', flags, async (queue) => {
      await queue.size(); // connects
      const askedAt = performance.now();
      await queue.size();
      const ms = Math.round((performance.now() - askedAt) * 10) / 10;
      answer(flags, { ms }, () => `Redis answers in ${ms} ms`);
    }),
  );
}
