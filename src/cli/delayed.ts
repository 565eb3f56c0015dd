import { Command } from 'commander';
import type { DelayedMessage, DueOptions, Duration } from 'hotqueue';
import {
  answer,
  duration,
  missing,
  redisCommand,
  usage,
  wholeFrom,
  withExamples,
  withQueue,
  type RedisFlags,
} from './command.js';
import { instant } from './instant.js';
import { ahead, count, jsonLine, print } from './output.js';

/** `delayed ls|move|cancel|promote`: messages that are not due yet. */
export function delayedCommand(): Command {
  const delayed = withExamples(
    new Command('delayed').description('List and change delayed messages: put with a delay, or waiting for a retry.'),
    [
      ['delayed ls emails', 'the twenty messages that are due first'],
      ['delayed promote emails 0199f2…', 'make a message waiting now'],
    ],
  );
  for (const command of [listCommand(), moveCommand(), eachCommand('cancel'), eachCommand('promote')])
    delayed.addCommand(command);
  return delayed;
}

function listCommand(): Command {
  return redisCommand(
    'ls',
    'List delayed messages, page by page. The message that is due first comes first. Exits with 3 if there is none.',
    [
      ['delayed ls emails', 'the first twenty'],
      ['delayed ls emails -n 50 --offset 50', 'the second page of fifty'],
    ],
  )
    .argument('<queue>')
    .option('-n, --number <number>', 'number of messages on the page', wholeFrom(1, 10_000), 20)
    .option('--offset <number>', 'number of messages to skip', wholeFrom(0), 0)
    .action((queue: string, flags: RedisFlags & { number: number; offset: number }) =>
      withQueue(queue, flags, async (it) => {
        const messages = await it.delayed.list({ limit: flags.number, offset: flags.offset });
        if (messages.length === 0) return missing(`${queue} has no${flags.offset > 0 ? ' more' : ''} delayed message`);
        if (flags.json) return messages.forEach((message) => print(jsonLine(message)));
        print(await tableOf(messages, Date.now()));
        const [last, size] = [flags.offset + messages.length, await it.delayed.size()];
        if (last < size) print(`${count(size - last, 'more message')}: use --offset ${last}`);
      }),
    );
}

async function tableOf(messages: readonly DelayedMessage[], now: number): Promise<string> {
  const { table } = await import('./table.js');
  const rows = messages.map(({ id, dueAt, priority, attempts, text }) => [
    id,
    ahead(dueAt, now),
    priority,
    String(attempts),
    text,
  ]);
  return table(['id', 'due', 'priority', 'failed', 'message'], rows);
}

function moveCommand(): Command {
  return redisCommand(
    'move',
    'Change when a delayed message is due. Exits with 3 if there is no such delayed message.',
    [
      ['delayed move emails 0199f2… --delay 10m', 'due in ten minutes'],
      ['delayed move emails 0199f2… --at 2026-12-24T18:00', 'due at this time'],
    ],
  )
    .argument('<queue>')
    .argument('<id>')
    .option('--delay <duration>', 'time from now, such as 90s or 10m', duration)
    .option('--at <time>', 'a time, such as 2026-12-24T18:00', instant)
    .action(
      async (
        queue: string,
        id: string,
        { delay, at, ...flags }: RedisFlags & { delay?: Duration; at?: Date },
        command: Command,
      ) => {
        if (delay === undefined && at === undefined) usage(command, 'no new time: give either --delay or --at');
        if (delay !== undefined && at !== undefined)
          usage(command, '--delay and --at cannot be used together: give one of them');
        const due: DueOptions = delay === undefined ? { at: at! } : { delay };
        await withQueue(queue, flags, async (it) => {
          const isMoved = await it.delayed.move(id, due);
          answerFor(queue, flags, 'moved', isMoved ? [id] : [], isMoved ? [] : [id]);
        });
      },
    );
}

const words = {
  cancel: { description: 'Delete delayed messages.', past: 'cancelled' },
  promote: { description: 'Make delayed messages waiting now, so that workers can take them.', past: 'promoted' },
} as const;

function eachCommand(verb: 'cancel' | 'promote'): Command {
  return redisCommand(verb, `${words[verb].description} Exits with 3 if one of them is not a delayed message.`, [
    [`delayed ${verb} emails 0199f2…`, '"delayed ls" shows the ids'],
  ])
    .argument('<queue>')
    .argument('<id...>')
    .action((queue: string, ids: string[], flags: RedisFlags) =>
      withQueue(queue, flags, async (it) => {
        const done: string[] = [];
        for (const id of ids) if (await it.delayed[verb](id)) done.push(id);
        answerFor(
          queue,
          flags,
          words[verb].past,
          done,
          ids.filter((id) => !done.includes(id)),
        );
      }),
    );
}

function answerFor(
  queue: string,
  flags: RedisFlags,
  past: string,
  done: readonly string[],
  absent: readonly string[],
): void {
  answer(flags, { queue, [past]: done, missing: absent }, () => `${count(done.length, 'message')} of ${queue} ${past}`);
  if (absent.length > 0)
    missing(`${queue} has no delayed message ${absent.map((id) => JSON.stringify(id)).join(', ')}`);
}
