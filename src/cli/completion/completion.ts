import { setTimeout as pause } from 'node:timers/promises';
import { Argument, Command } from 'commander';
import { queueNames } from '../../inspect/queues.js';
import { redisOptions, withExamples, type RedisFlags } from '../command.js';
import { print } from '../output.js';
import { existingRedis } from '../existing-redis.js';
import { bashCompletion } from './bash.js';
import { outlinesOf } from './outline.js';
import { zshCompletion } from './zsh.js';

/** `completion bash|zsh`: prints a script that is generated from the definition of this program. */
export function completionCommand(): Command {
  return withExamples(
    new Command('completion').description(
      'Print a script that completes commands, options and queue names in your shell.',
    ),
    [
      ['completion bash', 'in ~/.bashrc:  source <(hotqueue completion bash)'],
      ['completion zsh', 'in ~/.zshrc:   source <(hotqueue completion zsh)'],
    ],
  )
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh']))
    .action((shell: 'bash' | 'zsh', _flags: object, self: Command) => {
      const outlines = outlinesOf(self.parent!);
      process.stdout.write(shell === 'bash' ? bashCompletion(outlines) : zshCompletion(outlines));
    });
}

/** A user should not wait longer after the Tab key. */
const patienceMs = 1_500;

/** `__complete queues`: prints queue names for the completion scripts. Starts no Redis, prints no errors, and ends within 1.5 s. */
export function completeCommand(): Command {
  const command = new Command('__complete')
    .helpOption(false)
    .allowUnknownOption()
    .allowExcessArguments()
    .argument('<what>')
    .argument('[typed...]');
  for (const option of redisOptions()) command.addOption(option);
  return command.action(async (what: string, _typed: string[], flags: RedisFlags) => {
    const names = what === 'queues' ? await Promise.race([namesOf(flags), pause(patienceMs, [])]) : [];
    if (names.length > 0) print(names.join('\n'));
    process.exit(); // a connection attempt that is still running would keep the shell waiting
  });
}

async function namesOf(flags: RedisFlags): Promise<string[]> {
  try {
    const existing = await existingRedis(flags);
    return existing ? await queueNames(existing.address) : [];
  } catch {
    return [];
  }
}
