import type { Command } from 'commander';
import type { Delivery, Duration, HotQueue, PeekedMessage, TakeOptions } from 'hotqueue';
import { duration, missing, redisCommand, usage, wholeFrom, withQueue, type RedisFlags } from './command.js';
import { age, count, jsonLine, print, table, widthOf } from './output.js';
import { cutTo } from './text-width.js';
import { printed, untilInterrupted } from './printed.js';

interface TakeFlags extends RedisFlags {
  readonly timeout?: Duration;
  readonly idleTimeout?: Duration;
  readonly limit?: number;
  readonly block?: boolean;
}

/** `get` and `consume` take messages; `peek` only shows them. */
export function takingCommands(): Command[] {
  return [getCommand(), consumeCommand(), peekCommand()];
}

function getCommand(): Command {
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
      const taken = await withQueue(queue, flags, (it) =>
        take(it, { limit: 1, ...(timeout !== undefined && { idleTimeout: timeout }) }, flags),
      );
      if (taken === 0) missing(`${queue} has no message`);
    });
}

function consumeCommand(): Command {
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
      await withQueue(queue, flags, (it) => take(it, options, flags));
    });
}

/** Takes messages and prints them. @returns how many were printed */
function take(queue: HotQueue, options: TakeOptions, flags: TakeFlags): Promise<number> {
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

function lineOf({ id, queue, payload, attempt, putAt }: Delivery, { json }: TakeFlags): string {
  return jsonLine(json ? { id, queue, payload, attempt, putAt } : payload);
}

function peekCommand(): Command {
  return redisCommand(
    'peek',
    'Show the next messages in the order in which workers take them, and leave them in the queue.',
    [
      ['peek emails', 'the next ten'],
      ['peek emails -n 1 --json', 'the next one, as JSON'],
    ],
  )
    .argument('<queue>')
    .option('-n, --number <number>', 'number of messages', wholeFrom(1, 10_000), 10)
    .action((queue: string, flags: RedisFlags & { number: number }) =>
      withQueue(queue, flags, async (it) => {
        const jobs = await it.peek(flags.number);
        if (jobs.length === 0) return missing(await whyNone(it));
        print(
          flags.json
            ? jobs.map(({ id, payload, putAt }) => jsonLine({ id, queue, payload, putAt })).join('\n')
            : tableOf(jobs),
        );
      }),
    );
}

async function whyNone(queue: HotQueue): Promise<string> {
  const size = await queue.size();
  return size === 0
    ? `${queue.name} has no message`
    : `${queue.name} has ${count(size, 'message')}, but the next ones are not valid JSON: a worker will bury them`;
}

function tableOf(jobs: readonly PeekedMessage[]): string {
  const now = Date.now();
  const room = Math.max(20, widthOf() - 36 - 10);
  // A bare message from another program has no id and no put time, and a header of another program may have no put time.
  const rows = jobs.map(({ id, putAt, payload }) => [
    id || '-',
    putAt === undefined ? '-' : age(now - putAt),
    cutTo(jsonLine(payload), room),
  ]);
  return table(['id', 'put', 'message'], rows);
}
