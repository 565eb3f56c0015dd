import { inspect } from 'node:util';
import { CommanderError, type Command } from 'commander';
import { ignoreBrokenPipes } from '../core/broken-pipes.js';
import { exitCodes } from './command.js';
import { printableLines, say } from './output.js';
import { programFor } from './program.js';

/** Makes commander throw instead of exiting with 1 for a wrong option. Here a wrong option is 2, and 1 is a failed command. */
function throwing(command: Command): Command {
  command
    .exitOverride()
    .showSuggestionAfterError()
    .configureOutput({ writeErr: (text) => process.stderr.write(printableLines(text)) }); // its errors quote the command line
  command.commands.forEach(throwing);
  return command;
}

// The reader closed the pipe, as in `hotqueue info | head`. That is not an error. Commands that take messages check it themselves.
ignoreBrokenPipes();

try {
  await throwing(await programFor(process.argv.slice(2))).parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  else {
    say(printableLines(`hotqueue: ${await sentenceOf(error)}`));
    process.exitCode = exitCodes.failed;
  }
}

/** An error of this library is a sentence for the user. Any other error is a bug, and its stack helps. */
async function sentenceOf(error: unknown): Promise<string> {
  const { HotQueueError } = await import('hotqueue');
  return error instanceof HotQueueError ? error.message : inspect(error);
}
