import { Command } from 'commander';
import { addressOf, redisOptions, withExamples, type RedisFlags } from './command.js';

/** `hotqueue repl`: opens a prompt with a queue. */
export function replCommand(): Command {
  const command = new Command('repl').description(
    'Open a prompt with a queue: TypeScript, await, history. Ctrl-C stops consumers and workers.',
  );
  for (const option of redisOptions()) command.addOption(option);
  return withExamples(command, [
    ['repl', 'q is the queue "queue"'],
    ['repl emails', 'q is the queue "emails"'],
    ['repl < lines.ts', 'run a file, line by line'],
  ])
    .argument('[queue]', 'name of the queue q', 'queue')
    .action(async (queue: string, flags: RedisFlags) => {
      const { openPrompt } = await import('../repl/open.js');
      await openPrompt(queue, addressOf(flags));
    });
}
