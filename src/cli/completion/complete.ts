import { setTimeout as pause } from 'node:timers/promises';
import { Command } from 'commander';
import { queueNames } from '../../inspect/queues.js';
import { redisOptions, type RedisFlags } from '../command.js';
import { existingRedis } from '../existing-redis.js';
import { print } from '../output.js';

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
