import type { Command } from 'commander';
import type { Duration } from '../../contract/durations.js';
import { answer, duration, redisCommand, withQueue, type RedisFlags } from './command.js';
import { count } from './output.js';

/** `size`, `clear`, `pause`, `resume`: a queue as a whole. */
export function steeringCommands(): Command[] {
  return [
    redisCommand('size', 'How many messages are ready.', [['size emails', 'prints a number']])
      .argument('<queue>')
      .action((queue: string, flags: RedisFlags) => withQueue(queue, flags, async (it) => {
        const size = await it.size();
        answer(flags, { queue, size }, () => String(size));
      })),
    redisCommand('clear', 'Drop what is ready or delayed; not what workers hold, nor what is dead.', [['clear emails', 'asks nothing, and says how many went']])
      .argument('<queue>')
      .action((queue: string, flags: RedisFlags) => withQueue(queue, flags, async (it) => {
        const dropped = await it.clear();
        answer(flags, { queue, dropped }, () => `${count(dropped, 'message')} dropped from ${queue}`);
      })),
    redisCommand('pause', 'Let nobody take from a queue until it is resumed; what runs goes on, what is put waits.', [
      ['pause emails', 'until "hotqueue resume emails"'],
      ['pause emails --for 10m', 'resumes by itself'],
    ])
      .argument('<queue>')
      .option('--for <duration>', 'for so long, such as 90s or 10m', duration)
      .action((queue: string, flags: RedisFlags & { for?: Duration }) => withQueue(queue, flags, async (it) => {
        await it.pause(flags.for === undefined ? {} : { for: flags.for });
        answer(flags, { queue, paused: true, for: flags.for ?? null }, () => `${queue} is paused${flags.for === undefined ? '' : ` for ${flags.for}`}`);
      })),
    redisCommand('resume', 'Let workers take again.', [['resume emails', 'within a second, everywhere']])
      .argument('<queue>')
      .action((queue: string, flags: RedisFlags) => withQueue(queue, flags, async (it) => {
        await it.resume();
        answer(flags, { queue, paused: false }, () => `${queue} goes on`);
      })),
  ];
}
