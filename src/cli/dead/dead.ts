import { Command } from 'commander';
import type { DeadLetter, HotQueue } from 'hotqueue';
import {
  answer,
  missing,
  redisCommand,
  usage,
  wholeFrom,
  withExamples,
  withQueue,
  type RedisFlags,
} from '../command.js';
import { count, jsonLine, print } from '../output.js';
import { confirmed } from './confirm.js';
import { filterOf, withFilters, type FilterFlags } from './filter.js';

/** `dead ls|show|revive|drop`: lists and changes dead letters. */
export function deadCommand(): Command {
  const dead = withExamples(
    new Command('dead').description(
      'List, revive and delete dead letters: buried messages, kept with their bytes and the reason.',
    ),
    [
      ['dead ls emails', 'the newest twenty'],
      ['dead revive emails --all', 'put all of them back into the queue'],
    ],
  );
  for (const command of [listCommand(), showCommand(), changeCommand('revive'), changeCommand('drop')])
    dead.addCommand(command);
  return dead;
}

type ListFlags = RedisFlags &
  FilterFlags & { readonly number: number; readonly offset: number; readonly oldest?: boolean };

function listCommand(): Command {
  const command = redisCommand(
    'ls',
    'List dead letters, page by page, the newest first. Exits with 3 if there is none.',
    [
      ['dead ls emails', 'the newest twenty'],
      ['dead ls emails -n 50 --offset 50', 'the second page of fifty'],
      ["dead ls emails --reason 'invalid payload'", 'only those with this reason'],
    ],
  )
    .argument('<queue>')
    .option('-n, --number <number>', 'number of dead letters on the page', wholeFrom(1, 10_000), 20)
    .option('--offset <number>', 'number of dead letters to skip', wholeFrom(0), 0)
    .option('--oldest', 'the oldest first');
  return withFilters(command).action((queue: string, flags: ListFlags) =>
    withQueue(queue, flags, async (it) => {
      const letters = await page(it, flags);
      if (letters.length === 0)
        return missing(`${queue} has no ${filterOf(flags) ? 'such ' : flags.offset > 0 ? 'more ' : ''}dead letter`);
      const { letterAsJson, lettersAsText } = await import('./letter.js');
      if (flags.json) return letters.forEach((letter) => print(jsonLine(letterAsJson(letter))));
      print(lettersAsText(letters, Date.now()));
      const [last, size] = [flags.offset + letters.length, await it.dead.size()];
      if (!filterOf(flags) && last < size) print(`${count(size - last, 'more dead letter')}: use --offset ${last}`);
    }),
  );
}

/** Dead letters that match the filters: `number` of them, after the first `offset`. */
async function page(queue: HotQueue, flags: ListFlags): Promise<DeadLetter[]> {
  const order = flags.oldest ? 'oldest' : 'newest';
  const filter = filterOf(flags);
  if (!filter) return queue.dead.list({ limit: flags.number, offset: flags.offset, order });
  const passed: DeadLetter[] = [];
  const size = 500;
  for (let offset = 0; passed.length < flags.offset + flags.number; offset += size) {
    const letters = await queue.dead.list({ limit: size, offset, order });
    passed.push(...letters.filter(filter));
    if (letters.length < size) break;
  }
  return passed.slice(flags.offset, flags.offset + flags.number);
}

function showCommand(): Command {
  return redisCommand(
    'show',
    'Show one dead letter: the reason, the errors of its attempts, its payload. Exits with 3 if there is no such dead letter.',
    [
      ['dead show emails 0199f2…', '"dead ls" shows the keys'],
      ['dead show emails 0199f2… --bytes > message', 'the bytes as stored in Redis'],
    ],
  )
    .argument('<queue>')
    .argument('<key>')
    .option('--bytes', 'write only the bytes of the message')
    .action((queue: string, key: string, flags: RedisFlags & { bytes?: boolean }, command: Command) =>
      withQueue(queue, flags, async (it) => {
        if (flags.bytes && process.stdout.isTTY)
          usage(
            command,
            '--bytes cannot write to a terminal, because the bytes may contain control characters: redirect the output to a file or a pipe',
          );
        const letter = await it.dead.get(key);
        if (!letter) return missing(`${queue} has no dead letter ${JSON.stringify(key)}`);
        if (flags.bytes) return void process.stdout.write(letter.bytes);
        const { letterAsJson, letterAsText } = await import('./letter.js');
        answer(flags, letterAsJson(letter), () => letterAsText(letter, Date.now()));
      }),
    );
}

type ChangeFlags = RedisFlags & FilterFlags & { readonly all?: boolean; readonly yes?: boolean };
type LetterVerb = 'revive' | 'drop';

const words = {
  revive: {
    description: 'Put dead letters back into the queue as new messages: their attempts start at 1 again.',
    past: 'revived',
  },
  drop: { description: 'Delete dead letters permanently.', past: 'dropped' },
} as const;

function changeCommand(verb: LetterVerb): Command {
  const command = redisCommand(verb, `${words[verb].description} Exits with 3 if one of them does not exist.`, [
    [`dead ${verb} emails 0199f2…`, '"dead ls" shows the keys'],
    [`dead ${verb} emails --error TimeoutError --older-than 1d`, 'those that "dead ls" shows with the same filters'],
    [`dead ${verb} emails --all${verb === 'drop' ? ' --yes' : ''}`, 'all of them'],
  ])
    .argument('<queue>')
    .argument('[key...]')
    .option('--all', 'all dead letters');
  if (verb === 'drop') command.option('-y, --yes', 'with --all: do not ask');
  return withFilters(command).action(async (queue: string, keys: string[], flags: ChangeFlags, self: Command) => {
    const filter = filterOf(flags);
    const ways = [keys.length > 0, flags.all === true, filter !== undefined].filter(Boolean).length;
    if (ways !== 1)
      usage(
        self,
        `${ways === 0 ? 'no dead letter given:' : 'too many ways to choose:'} give either keys, or --all, or filters such as --reason`,
      );
    await withQueue(queue, flags, async (it) => {
      if (verb === 'drop' && flags.all && !flags.yes) await confirm(it, self);
      const { done, missing: absent } = await change(it, verb, keys, filter);
      answer(
        flags,
        { queue, [words[verb].past]: done, missing: absent },
        () => `${count(done, 'dead letter')} of ${queue} ${words[verb].past}`,
      );
      if (absent.length > 0)
        missing(`${queue} has no dead letter ${absent.map((key) => JSON.stringify(key)).join(', ')}`);
    });
  });
}

async function confirm(queue: HotQueue, command: Command): Promise<void> {
  const question = `drop all ${count(await queue.dead.size(), 'dead letter')} of ${queue.name} permanently?`;
  const answered = await confirmed(question);
  if (answered === undefined) usage(command, `${question} There is no terminal to ask on: add --yes`);
  if (!answered) usage(command, 'nothing was dropped');
}

async function change(
  queue: HotQueue,
  verb: LetterVerb,
  keys: readonly string[],
  where: ((letter: DeadLetter) => boolean) | undefined,
) {
  if (where) return { done: await queue.dead[verb]({ where }), missing: [] };
  if (keys.length === 0)
    return { done: await (verb === 'revive' ? queue.dead.reviveAll() : queue.dead.dropAll()), missing: [] };
  const absent: string[] = [];
  for (const key of keys) if ((await queue.dead[verb](key)) === 0) absent.push(key);
  return { done: keys.length - absent.length, missing: absent };
}
