import type { Command } from 'commander';
import type { Delivery, HotQueue, Job, TakeOptions } from 'hotqueue';
import type { Duration } from '../../contract/durations.js';
import { duration, missing, redisCommand, usage, wholeFrom, withQueue, type RedisFlags } from './command.js';
import { age, count, cut, jsonLine, print, table, widthOf } from './output.js';
import { printed, untilAsked } from './printed.js';

interface TakeFlags extends RedisFlags {
  readonly timeout?: Duration;
  readonly limit?: number;
  readonly block?: boolean;
}

/** `get`, `consume`, `peek`: what is on a queue, taken or only looked at. */
export function takingCommands(): Command[] {
  return [getCommand(), consumeCommand(), peekCommand()];
}

function getCommand(): Command {
  return redisCommand('get', 'Take one message and print it as a line of JSON. Ends with 3 when there is none.', [
    ['get emails', 'the next message, now'],
    ['get emails --block --timeout 30s', 'wait for one'],
  ])
    .argument('<queue>')
    .option('-b, --block', 'wait for a message')
    .option('-t, --timeout <duration>', 'with --block: so long at the most', duration)
    .action(async (queue: string, flags: TakeFlags, command: Command) => {
      if (flags.timeout !== undefined && !flags.block) usage(command, '--timeout says how long to wait, and without --block nothing waits: add --block');
      const timeout = flags.block ? flags.timeout : 0;
      const taken = await withQueue(queue, flags, (it) => take(it, { limit: 1, ...(timeout !== undefined && { timeout }) }, flags));
      if (taken === 0) missing(`${queue} has no message`);
    });
}

function consumeCommand(): Command {
  return redisCommand('consume', 'Take messages and print each as a line of JSON, until Ctrl-C. What was not printed goes back.', [
    ['consume emails', 'until Ctrl-C'],
    ['consume emails --limit 10 --timeout 5s', 'at most ten, until none came for 5 s'],
    ['consume emails | jq .to', 'a line each, for other programs'],
  ])
    .argument('<queue>')
    .option('-l, --limit <number>', 'so many at the most', wholeFrom(1))
    .option('-t, --timeout <duration>', 'end when none came for so long', duration)
    .action(async (queue: string, flags: TakeFlags) => {
      const { limit, timeout } = flags;
      const options = { ...(limit !== undefined && { limit }), ...(timeout !== undefined && { timeout }) };
      await withQueue(queue, flags, (it) => take(it, options, flags));
    });
}

/** Prints what it takes. @returns how many messages were printed */
function take(queue: HotQueue, options: TakeOptions, flags: TakeFlags): Promise<number> {
  return untilAsked(async (signal) => {
    let taken = 0;
    for await (const delivery of queue.deliveries({ ...options, signal })) {
      // Leaving gives it back; going on acknowledges it. So nothing is gone before it is printed.
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
  return redisCommand('peek', 'The next messages in the order in which they will be taken, left where they are.', [
    ['peek emails', 'the next ten'],
    ['peek emails -n 1 --json', 'the next one, as JSON'],
  ])
    .argument('<queue>')
    .option('-n, --number <number>', 'so many', wholeFrom(1, 10_000), 10)
    .action((queue: string, flags: RedisFlags & { number: number }) => withQueue(queue, flags, async (it) => {
      const jobs = await it.peek(flags.number);
      if (jobs.length === 0) return missing(await whyNone(it));
      print(flags.json ? jobs.map(({ id, payload, putAt }) => jsonLine({ id, queue, payload, putAt })).join('\n') : tableOf(jobs));
    }));
}

async function whyNone(queue: HotQueue): Promise<string> {
  const size = await queue.size();
  return size === 0 ? `${queue.name} has no message` : `${queue.name} has ${count(size, 'message')}, and the next are not valid JSON: taking will bury them`;
}

function tableOf(jobs: readonly Job[]): string {
  const now = Date.now();
  const room = Math.max(20, widthOf() - 36 - 10);
  // A message from elsewhere has no id, and does not tell its age.
  const rows = jobs.map(({ id, putAt, payload }) => [id || '-', id === '' ? '-' : age(now - putAt), cut(jsonLine(payload), room)]);
  return table(['id', 'put', 'message'], rows);
}
