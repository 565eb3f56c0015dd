import type { Command } from 'commander';
import { addressOf, redisCommand, wholeFrom, type RedisFlags } from './command.js';
import { print } from './output.js';

const exercises = 6;

/** `hotqueue learn`: the lesson. */
export function learnCommand(): Command {
  return redisCommand('learn', 'Start the lesson: six exercises in two terminals. It checks each step in Redis.', [
    ['learn', 'in one terminal; run "hotqueue repl" in another one, in the same folder'],
    ['learn 3', 'start with exercise 3'],
    ['learn --json', 'print all steps, for a handout'],
  ])
    .argument('[exercise]', 'number of the first exercise', wholeFrom(1, exercises), 1)
    .action(async (exercise: number, flags: RedisFlags) => {
      if (flags.json === true) return print(JSON.stringify(await outline()));
      const { openLesson } = await import('../learn/open.js');
      return openLesson(exercise, addressOf(flags));
    });
}

async function outline(): Promise<object[]> {
  const { lesson } = await import('../learn/lesson.js');
  return lesson.map(({ title, about, steps }, index) => ({
    exercise: index + 1,
    title,
    about,
    steps: steps.map(({ id, where, text, hint }) => ({ id, where, text, hint })),
  }));
}
