#!/usr/bin/env node
import { createRequire } from 'node:module';
import { Command } from 'commander';
import { HotQueueError } from '../../contract/errors.js';
import { redisCommand } from './redis.js';

const { version } = createRequire(import.meta.url)('../../../package.json') as { version: string };

const program = new Command('hotqueue')
  .description('Workers on Redis lists.')
  .version(version)
  .addCommand(redisCommand());

try {
  await program.parseAsync();
} catch (error) {
  // What we throw on purpose is a sentence for the user; anything else is our mistake, and worth its stack.
  if (!(error instanceof HotQueueError)) throw error;
  console.error(`hotqueue: ${error.message}`);
  process.exitCode = 1;
}
