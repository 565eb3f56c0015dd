import type { Command } from 'commander';
import type { HotQueue, PeekedMessage } from 'hotqueue';
import { missing, redisCommand, wholeFrom, withTextQueue, type RedisFlags } from './command.js';
import type { JsonText } from './json-text.js';
import { age, count, jsonWith, print } from './output.js';

/** `peek`: shows the next messages and leaves them in the queue. */
export function peekCommand(): Command {
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
      withTextQueue(queue, flags, async (it) => {
        const jobs = await it.peek(flags.number);
        if (jobs.length === 0) return missing(await whyNone(it));
        print(
          flags.json
            ? jobs
                .map(({ id, payload, putAt }) => jsonWith({ id, queue, payload: payload.line, putAt }, 'payload'))
                .join('\n')
            : await tableOf(jobs),
        );
      }),
    );
}

async function whyNone(queue: HotQueue<JsonText>): Promise<string> {
  const size = await queue.size();
  return size === 0
    ? `${queue.name} has no message`
    : `${queue.name} has ${count(size, 'message')}, but the next ones are not valid JSON: a worker will bury them`;
}

async function tableOf(jobs: readonly PeekedMessage<JsonText>[]): Promise<string> {
  const { table } = await import('./table.js');
  const now = Date.now();
  // A bare message from another program has no id and no put time, and a header of another program may have no put time.
  const rows = jobs.map(({ id, putAt, payload }) => [
    id || '-',
    putAt === undefined ? '-' : age(now - putAt),
    payload.line,
  ]);
  return table(['id', 'put', 'message'], rows);
}
