import { CommanderError, type Command } from 'commander';
import { HotQueueError } from 'hotqueue';
import { exitCodes } from './command.js';
import { say } from './output.js';
import { hotqueueProgram } from './program.js';

/** Makes commander throw instead of exiting with 1 for a wrong option. Here a wrong option is 2, and 1 is a failed command. */
function throwing(command: Command): Command {
  command.exitOverride().showSuggestionAfterError();
  command.commands.forEach(throwing);
  return command;
}

// The reader closed the pipe, as in `hotqueue info | head`. That is not an error. Commands that take messages check it themselves.
process.stdout.on('error', () => undefined);

try {
  await throwing(hotqueueProgram()).parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  // An error of this library is a sentence for the user. Any other error is a bug, and its stack helps.
  else if (error instanceof HotQueueError) {
    say(`hotqueue: ${error.message}`);
    process.exitCode = exitCodes.failed;
  } else throw error;
}
