import type { Command } from 'commander';
import type { Delivery, Duration, HotQueue, TakeOptions } from 'hotqueue';
import { duration, missing, redisCommand, usage, wholeFrom, withTextQueue, type RedisFlags } from './command.js';
import type { JsonText } from './json-text.js';
import { jsonWith } from './output.js';
import { printed, untilInterrupted } from './printed.js';

interface TakeFlags extends RedisFlags {
  readonly timeout?: Duration;
  readonly idleTimeout?: Duration;
  readonly limit?: number;
  readonly block?: boolean;
}

/** `get`: takes one message and prints it. */
export function getCommand(): Command {
  return redisCommand('get', 'Take one message and print it as a line of JSON. Exits with 3 if there is none.', [
    ['get emails', 'the next message, without waiting'],
    ['get emails --block --timeout 30s', 'wait up to 30 seconds for a message'],
  ])
    .argument('<queue>')
    .option('-b, --block', 'wait for a message')
    .option('-t, --timeout <duration>', 'with --block: longest time to wait', duration)
    .action(async (queue: string, flags: TakeFlags, command: Command) => {
      if (flags.timeout !== undefined && !flags.block)
        usage(command, '--timeout needs --block: without --block, get does not wait');
      const timeout = flags.block ? flags.timeout : 0;
      const taken = await withTextQueue(queue, flags, (it) =>
        take(it, { limit: 1, ...(timeout !== undefined && { idleTimeout: timeout }) }, flags),
      );
      if (taken === 0) missing(`${queue} has no message`);
    });
}

/** `consume`: takes messages and prints them. */
export function consumeCommand(): Command {
  return redisCommand(
    'consume',
    'Take messages and print each as a line of JSON, until Ctrl-C. A message that was not printed goes back to the queue.',
    [
      ['consume emails', 'until Ctrl-C'],
      ['consume emails --limit 10 --idle-timeout 5s', 'at most ten; stops when none comes for 5 s'],
      ['consume emails | jq .to', 'one line per message, for other programs'],
    ],
  )
    .argument('<queue>')
    .option('-l, --limit <number>', 'stop after this number of messages', wholeFrom(1))
    .option('-t, --idle-timeout <duration>', 'stop when no message comes for this time', duration)
    .action(async (queue: string, flags: TakeFlags) => {
      const { limit, idleTimeout } = flags;
      const options = { ...(limit !== undefined && { limit }), ...(idleTimeout !== undefined && { idleTimeout }) };
      await withTextQueue(queue, flags, (it) => take(it, options, flags));
    });
}

/** Takes messages and prints them. @returns how many were printed */
function take(queue: HotQueue<JsonText>, options: TakeOptions, flags: TakeFlags): Promise<number> {
  return untilInterrupted(async (signal) => {
    let taken = 0;
    for await (const delivery of queue.deliveries({ ...options, signal })) {
      // break gives the message back, and the next iteration acknowledges it. So no message is deleted before it is printed.
      if (!(await printed(lineOf(delivery, flags)))) break;
      taken += 1;
    }
    return taken;
  });
}

function lineOf({ id, queue, payload, attempt, putAt }: Delivery<JsonText>, { json }: TakeFlags): string {
  return json ? jsonWith({ id, queue, payload: payload.line, attempt, putAt }, 'payload') : payload.line;
}
