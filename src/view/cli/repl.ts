import { Command } from 'commander';
import { addressOf, redisOptions, withExamples, type RedisFlags } from './command.js';

/** `hotqueue repl`: a prompt with a queue. */
export function replCommand(): Command {
  const command = new Command('repl').description('A prompt with a queue: TypeScript, await, history, and a Ctrl-C that stops what consumes.');
  for (const option of redisOptions()) command.addOption(option);
  return withExamples(command, [
    ['repl', 'the queue "queue" as q'],
    ['repl emails', 'another one'],
    ['repl < lines.ts', 'runs what a file says, line by line'],
  ])
    .argument('[queue]', 'the queue that is q', 'queue')
    .action(async (queue: string, flags: RedisFlags) => {
      const { openPrompt } = await import('../repl/open.js');
      await openPrompt(queue, addressOf(flags));
    });
}
