import { Command } from 'commander';
import type { DeadLetter, HotQueue } from 'hotqueue';
import { answer, missing, redisCommand, usage, wholeFrom, withExamples, withQueue, type RedisFlags } from '../command.js';
import { count, jsonLine, print } from '../output.js';
import { confirmed } from './confirm.js';
import { filterOf, withFilters, type FilterFlags } from './filter.js';
import { letterAsJson, letterAsText, lettersAsText } from './letter.js';

/** `dead ls|show|revive|drop`: what was given up. */
export function deadCommand(): Command {
  const dead = withExamples(new Command('dead').description('Dead letters: what was given up, with its bytes and the reason.'), [
    ['dead ls emails', 'the newest twenty'],
    ['dead revive emails --all', 'messages again, as new'],
  ]);
  for (const command of [listCommand(), showCommand(), changeCommand('revive'), changeCommand('drop')]) dead.addCommand(command);
  return dead;
}

type ListFlags = RedisFlags & FilterFlags & { readonly number: number; readonly offset: number; readonly oldest?: boolean };

function listCommand(): Command {
  const command = redisCommand('ls', 'A page of dead letters, newest first. Ends with 3 when there is none.', [
    ['dead ls emails', 'the newest twenty'],
    ['dead ls emails -n 50 --offset 50', 'the second fifty'],
    ["dead ls emails --reason 'invalid payload'", 'those of one kind'],
  ])
    .argument('<queue>')
    .option('-n, --number <number>', 'so many', wholeFrom(1, 10_000), 20)
    .option('--offset <number>', 'after the first so many', wholeFrom(0), 0)
    .option('--oldest', 'oldest first');
  return withFilters(command).action((queue: string, flags: ListFlags) => withQueue(queue, flags, async (it) => {
    const letters = await page(it, flags);
    if (letters.length === 0) return missing(`${queue} has no ${filterOf(flags) ? 'such ' : flags.offset > 0 ? 'more ' : ''}dead letter`);
    if (flags.json) return letters.forEach((letter) => print(jsonLine(letterAsJson(letter))));
    print(lettersAsText(letters, Date.now()));
    const [last, size] = [flags.offset + letters.length, await it.dead.size()];
    if (!filterOf(flags) && last < size) print(`${count(size - last, 'letter')} more: --offset ${last}`);
  }));
}

/** Letters that pass the filters, `number` of them after the first `offset`. */
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
  return redisCommand('show', 'One dead letter: why, what its attempts failed of, its payload. Ends with 3 when it is not there.', [
    ['dead show emails 0199f2…', 'by the key that "dead ls" shows'],
    ['dead show emails 0199f2… --bytes > message', 'what lay in Redis, byte for byte'],
  ])
    .argument('<queue>')
    .argument('<key>')
    .option('--bytes', 'only the message, byte for byte')
    .action((queue: string, key: string, flags: RedisFlags & { bytes?: boolean }, command: Command) => withQueue(queue, flags, async (it) => {
      if (flags.bytes && process.stdout.isTTY) usage(command, '--bytes may be anything, also what upsets a terminal: send it to a file or a pipe');
      const letter = await it.dead.get(key);
      if (!letter) return missing(`${queue} has no dead letter ${JSON.stringify(key)}`);
      if (flags.bytes) process.stdout.write(letter.bytes);
      else answer(flags, letterAsJson(letter), () => letterAsText(letter, Date.now()));
    }));
}

type ChangeFlags = RedisFlags & FilterFlags & { readonly all?: boolean; readonly yes?: boolean };
type Verb = 'revive' | 'drop';

const words = {
  revive: { description: 'Make dead letters messages again, as new: their attempts are counted from 1.', past: 'revived' },
  drop: { description: 'Forget dead letters for good.', past: 'dropped' },
} as const;

function changeCommand(verb: Verb): Command {
  const command = redisCommand(verb, `${words[verb].description} Ends with 3 when one is not there.`, [
    [`dead ${verb} emails 0199f2…`, 'by the keys that "dead ls" shows'],
    [`dead ${verb} emails --error TimeoutError --older-than 1d`, 'those that "dead ls" shows with the same filters'],
    [`dead ${verb} emails --all${verb === 'drop' ? ' --yes' : ''}`, 'all of them'],
  ])
    .argument('<queue>')
    .argument('[key...]')
    .option('--all', 'all of them');
  if (verb === 'drop') command.option('-y, --yes', 'with --all: ask nothing');
  return withFilters(command).action(async (queue: string, keys: string[], flags: ChangeFlags, self: Command) => {
    const filter = filterOf(flags);
    const ways = [keys.length > 0, flags.all === true, filter !== undefined].filter(Boolean).length;
    if (ways !== 1) usage(self, `${ways === 0 ? 'which letters?' : 'these say it twice:'} give keys, or --all, or filters such as --reason`);
    await withQueue(queue, flags, async (it) => {
      if (verb === 'drop' && flags.all && !flags.yes) await confirm(it, self);
      const { done, missing: absent } = await change(it, verb, keys, filter);
      answer(flags, { queue, [words[verb].past]: done, missing: absent }, () => `${count(done, 'letter')} of ${queue} ${words[verb].past}`);
      if (absent.length > 0) missing(`${queue} has no dead letter ${absent.map((key) => JSON.stringify(key)).join(', ')}`);
    });
  });
}

async function confirm(queue: HotQueue, command: Command): Promise<void> {
  const question = `drop all ${count(await queue.dead.size(), 'dead letter')} of ${queue.name}, for good?`;
  const answered = await confirmed(question);
  if (answered === undefined) usage(command, `${question} Say --yes: there is no terminal to ask at`);
  if (!answered) usage(command, 'nothing was dropped');
}

async function change(queue: HotQueue, verb: Verb, keys: readonly string[], where: ((letter: DeadLetter) => boolean) | undefined) {
  if (where) return { done: await queue.dead[verb]({ where }), missing: [] };
  if (keys.length === 0) return { done: await (verb === 'revive' ? queue.dead.reviveAll() : queue.dead.dropAll()), missing: [] };
  const absent: string[] = [];
  for (const key of keys) if ((await queue.dead[verb](key)) === 0) absent.push(key);
  return { done: keys.length - absent.length, missing: absent };
}
