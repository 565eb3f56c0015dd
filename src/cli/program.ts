import { createRequire } from 'node:module';
import { Command } from 'commander';
import { completeCommand, completionCommand } from './completion/completion.js';
import { deadCommand } from './dead/dead.js';
import { delayedCommand } from './delayed.js';
import { doctorCommand } from './doctor/doctor.js';
import { infoCommand } from './info.js';
import { learnCommand } from './learn.js';
import { putCommand } from './put.js';
import { queuesCommand } from './queues.js';
import { redisServerCommand } from './redis-server.js';
import { replCommand } from './repl.js';
import { controlCommands } from './control.js';
import { takingCommands } from './take.js';
import { topCommand } from './top.js';
import { withExamples } from './command.js';
import { workerCommand } from './worker.js';
import { workersCommand } from './workers.js';

const { version } = createRequire(import.meta.url)('../../package.json') as { version: string };

/** The whole command line. The program, the shell completion and docs/cli all use this definition. */
export function hotqueueProgram(): Command {
  const program = withExamples(
    new Command('hotqueue').description('Command line of hotqueue: typed workers on Redis lists.').version(version),
    [
      ['put emails \'{"to":"ada@example.com"}\'', 'put one message'],
      ['worker src/workers.ts', 'handle messages until Ctrl-C'],
      ['top', 'watch queues and workers'],
    ],
  );
  const commands = [
    putCommand(),
    ...takingCommands(),
    ...controlCommands(),
    queuesCommand(),
    infoCommand(),
    topCommand(),
    workerCommand(),
    workersCommand(),
    delayedCommand(),
    deadCommand(),
    doctorCommand(),
    redisServerCommand(),
    replCommand(),
    learnCommand(),
    completionCommand(),
  ];
  for (const command of commands) program.addCommand(command);
  program.addCommand(completeCommand(), { hidden: true }); // only the completion scripts call it
  return program;
}
