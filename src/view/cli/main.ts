#!/usr/bin/env node
import { CommanderError, type Command } from 'commander';
import { HotQueueError } from 'hotqueue';
import { exitCodes } from './command.js';
import { say } from './output.js';
import { hotqueueProgram } from './program.js';

/** Commander ends the process with 1 for a wrong option; here that is 2, and 1 is for what could not be done. */
function throwing(command: Command): Command {
  command.exitOverride().showSuggestionAfterError();
  command.commands.forEach(throwing);
  return command;
}

// Whoever reads has seen enough, as in `hotqueue info | head`: no fault, and nothing to say. Who takes messages looks itself.
process.stdout.on('error', () => undefined);

try {
  await throwing(hotqueueProgram()).parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  // What we throw on purpose is a sentence for the user; anything else is our mistake, and worth its stack.
  else if (error instanceof HotQueueError) {
    say(`hotqueue: ${error.message}`);
    process.exitCode = exitCodes.failed;
  } else throw error;
}
