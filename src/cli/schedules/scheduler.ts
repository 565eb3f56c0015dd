import type { Command } from 'commander';
import type { HotQueue } from 'hotqueue';
import { redisCommand, type RedisFlags } from '../command.js';
import { count, jsonLine, print, say } from '../output.js';
import { untilInterrupted } from '../printed.js';

/** `scheduler`: fires schedules without taking messages. */
export function schedulerCommand(): Command {
  return redisCommand(
    'scheduler',
    'Put the messages of schedules and delayed messages when they are due, and take none, until Ctrl-C. Only for queues without a worker that runs all the time: workers do this too.',
    [['scheduler reports bills', 'a line for each message that a schedule puts']],
  )
    .argument('<queue...>')
    .action(async (names: string[], flags: RedisFlags) => {
      const { openQueue } = await import('../open-queue.js');
      const queues = [...new Set(names)].map((name) => openQueue(name, flags));
      try {
        for (const queue of queues) await startOn(queue, flags);
        say(`the schedules of ${count(queues.length, 'queue')} run here until Ctrl-C`);
        await untilInterrupted(untilAborted);
      } finally {
        await Promise.all(queues.map((queue) => queue.close()));
      }
    });
}

async function startOn(queue: HotQueue, { json }: RedisFlags): Promise<void> {
  await queue.size(); // a server that does not answer is an error, now
  queue.events.on('fire', ({ schedule, id }) =>
    print(json ? jsonLine({ queue: queue.name, schedule, id }) : `${new Date().toISOString()} ${queue.name} ${id}`),
  );
  queue.schedules.start();
}

/** Keeps the process alive, as the timers of schedules do not. */
function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const alive = setInterval(() => undefined, 3_600_000);
    signal.addEventListener('abort', () => {
      clearInterval(alive);
      resolve();
    });
  });
}
