import { createRequire } from 'node:module';
import { Command } from 'commander';
import { redisServerCommand } from './redis-server.js';
import { steeringCommands } from './steer.js';
import { withExamples } from './command.js';

const { version } = createRequire(import.meta.url)('../../../package.json') as { version: string };

/** The whole command line: what runs it, what completes it and what documents it read the same definitions. */
export function hotqueueProgram(): Command {
  const program = withExamples(new Command('hotqueue').description('Typed workers on Redis lists, from the command line.').version(version), [
    ['put emails \'{"to":"ada@example.com"}\'', 'one message'],
    ['worker src/workers.ts', 'work on what is put, until Ctrl-C'],
    ['top', 'watch'],
  ]);
  for (const command of [...steeringCommands(), redisServerCommand()]) program.addCommand(command);
  return program;
}
