import type { Command } from 'commander';
import { addressOf, redisCommand, wholeFrom, type RedisFlags } from './command.js';
import { print } from './output.js';

const exercises = 5;

/** `hotqueue learn`: the lesson. */
export function learnCommand(): Command {
  return redisCommand('learn', 'The lesson: two terminals, five exercises, each step looked at in Redis.', [
    ['learn', 'in one terminal; "hotqueue repl" in another, in the same folder'],
    ['learn 3', 'begins with the third exercise'],
    ['learn --json', 'its steps, for whoever prepares it'],
  ])
    .argument('[exercise]', 'where to begin', wholeFrom(1, exercises), 1)
    .action(async (exercise: number, flags: RedisFlags) => {
      if (flags.json === true) return print(JSON.stringify(await outline()));
      const { openLesson } = await import('../learn/open.js');
      return openLesson(exercise, addressOf(flags));
    });
}

async function outline(): Promise<object[]> {
  const { lesson } = await import('../learn/lesson.js');
  return lesson.map(({ title, about, steps }, index) => ({ exercise: index + 1, title, about, steps: steps.map(({ id, where, text, hint }) => ({ id, where, text, hint })) }));
}
