import { Command } from 'commander';
import type { DelayedMessage, DueOptions } from 'hotqueue';
import type { Duration } from '../../contract/durations.js';
import { answer, duration, instant, missing, redisCommand, usage, wholeFrom, withExamples, withQueue, type RedisFlags } from './command.js';
import { age, count, cut, harmless, jsonLine, print, table, widthOf } from './output.js';

/** `delayed ls|move|cancel|promote`: what is not due yet. */
export function delayedCommand(): Command {
  const delayed = withExamples(new Command('delayed').description('What is not due yet: put with a delay, or waiting for another attempt.'), [
    ['delayed ls emails', 'the next twenty to be due'],
    ['delayed promote emails 0199f2…', 'ready now'],
  ]);
  for (const command of [listCommand(), moveCommand(), eachCommand('cancel'), eachCommand('promote')]) delayed.addCommand(command);
  return delayed;
}

function listCommand(): Command {
  return redisCommand('ls', 'A page of what is not due yet, the next to be due first. Ends with 3 when there is none.', [
    ['delayed ls emails', 'the next twenty'],
    ['delayed ls emails -n 50 --offset 50', 'the second fifty'],
  ])
    .argument('<queue>')
    .option('-n, --number <number>', 'so many', wholeFrom(1, 10_000), 20)
    .option('--offset <number>', 'after the first so many', wholeFrom(0), 0)
    .action((queue: string, flags: RedisFlags & { number: number; offset: number }) => withQueue(queue, flags, async (it) => {
      const messages = await it.delayed.list({ limit: flags.number, offset: flags.offset });
      if (messages.length === 0) return missing(`${queue} has no${flags.offset > 0 ? ' more' : ''} delayed message`);
      if (flags.json) return messages.forEach((message) => print(jsonLine(message)));
      print(tableOf(messages, Date.now()));
      const [last, size] = [flags.offset + messages.length, await it.delayed.size()];
      if (last < size) print(`${count(size - last, 'message')} more: --offset ${last}`);
    }));
}

function tableOf(messages: readonly DelayedMessage[], now: number): string {
  const widest = Math.max(...messages.map(({ id }) => id.length));
  const room = Math.max(20, widthOf() - widest - 32);
  const rows = messages.map(({ id, dueAt, priority, attempts, text }) => [harmless(id), dueAt <= now ? 'now' : `in ${age(dueAt - now)}`, priority, String(attempts), cut(harmless(text), room)]);
  return table(['id', 'due', 'priority', 'failed', 'message'], rows);
}

function moveCommand(): Command {
  return redisCommand('move', 'Make a delayed message due at another time. Ends with 3 when it is not there, or ready already.', [
    ['delayed move emails 0199f2… --delay 10m', 'ten minutes from now'],
    ['delayed move emails 0199f2… --at 2026-12-24T18:00', 'then'],
  ])
    .argument('<queue>')
    .argument('<id>')
    .option('--delay <duration>', 'so long from now, such as 90s or 10m', duration)
    .option('--at <time>', 'then, such as 2026-12-24T18:00', instant)
    .action(async (queue: string, id: string, { delay, at, ...flags }: RedisFlags & { delay?: Duration; at?: Date }, command: Command) => {
      if ((delay === undefined) === (at === undefined)) usage(command, 'until when? Give either --delay or --at');
      const due: DueOptions = delay === undefined ? { at: at! } : { delay };
      await withQueue(queue, flags, async (it) => {
        const isMoved = await it.delayed.move(id, due);
        answerFor(queue, flags, 'moved', isMoved ? [id] : [], isMoved ? [] : [id]);
      });
    });
}

const words = {
  cancel: { description: 'Drop delayed messages.', past: 'cancelled' },
  promote: { description: 'Make delayed messages ready now.', past: 'promoted' },
} as const;

function eachCommand(verb: 'cancel' | 'promote'): Command {
  return redisCommand(verb, `${words[verb].description} Ends with 3 when one is not there, or ready already.`, [[`delayed ${verb} emails 0199f2…`, 'by the ids that "delayed ls" shows']])
    .argument('<queue>')
    .argument('<id...>')
    .action((queue: string, ids: string[], flags: RedisFlags) => withQueue(queue, flags, async (it) => {
      const done: string[] = [];
      for (const id of ids) if (await it.delayed[verb](id)) done.push(id);
      answerFor(queue, flags, words[verb].past, done, ids.filter((id) => !done.includes(id)));
    }));
}

function answerFor(queue: string, flags: RedisFlags, past: string, done: readonly string[], absent: readonly string[]): void {
  answer(flags, { queue, [past]: done, missing: absent }, () => `${count(done.length, 'message')} of ${queue} ${past}`);
  if (absent.length > 0) missing(`${queue} has no delayed message ${absent.map((id) => JSON.stringify(id)).join(', ')}`);
}
