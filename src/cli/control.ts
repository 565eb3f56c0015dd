import type { Command } from 'commander';
import type { Duration } from 'hotqueue';
import { answer, duration, redisCommand, withQueue, type RedisFlags } from './command.js';
import { count } from './output.js';

/** `size`: prints the number of waiting messages. */
export function sizeCommand(): Command {
  return redisCommand('size', 'Print the number of waiting messages.', [['size emails', 'prints a number']])
    .argument('<queue>')
    .action((queue: string, flags: RedisFlags) =>
      withQueue(queue, flags, async (it) => {
        const size = await it.size();
        answer(flags, { queue, size }, () => String(size));
      }),
    );
}

/** `clear`: drops all waiting and delayed messages. */
export function clearCommand(): Command {
  return redisCommand(
    'clear',
    'Drop all waiting and delayed messages permanently. Active messages and dead letters stay.',
    [['clear emails', 'does not ask; prints how many were dropped']],
  )
    .argument('<queue>')
    .action((queue: string, flags: RedisFlags) =>
      withQueue(queue, flags, async (it) => {
        const dropped = await it.clear();
        answer(flags, { queue, dropped }, () => `${count(dropped, 'message')} dropped from ${queue}`);
      }),
    );
}

/** `pause`: no worker takes messages from this queue. */
export function pauseCommand(): Command {
  return redisCommand(
    'pause',
    'Pause a queue: no worker takes messages until it is resumed. Active messages finish, new messages wait.',
    [
      ['pause emails', 'until "hotqueue resume emails"'],
      ['pause emails --for 10m', 'for ten minutes'],
    ],
  )
    .argument('<queue>')
    .option('--for <duration>', 'resume by itself after this time, such as 90s or 10m', duration)
    .action((queue: string, flags: RedisFlags & { for?: Duration }) =>
      withQueue(queue, flags, async (it) => {
        await it.pause(flags.for === undefined ? {} : { for: flags.for });
        answer(
          flags,
          { queue, paused: true, for: flags.for ?? null },
          () => `${queue} is paused${flags.for === undefined ? '' : ` for ${flags.for}`}`,
        );
      }),
    );
}

/** `resume`: ends a pause. */
export function resumeCommand(): Command {
  return redisCommand('resume', 'Resume a paused queue.', [
    ['resume emails', 'all workers take messages again within a second'],
  ])
    .argument('<queue>')
    .action((queue: string, flags: RedisFlags) =>
      withQueue(queue, flags, async (it) => {
        await it.resume();
        answer(flags, { queue, paused: false }, () => `${queue} is resumed`);
      }),
    );
}
