import { Command } from 'commander';

/** `hotqueue redis …`: the Redis server that a project gets if no address is configured. */
export function redisServerCommand(): Command {
  const redis = new Command('redis').description("Manage this project's own Redis, for a machine that has none.");
  redis
    .command('install')
    .description('install a Redis server for this user, without root (Debian, Ubuntu)')
    .action(async () => (await import('./project-redis.js')).installServer());
  redis
    .command('start')
    .description("start this project's server, or use the one that is running")
    .action(async () => (await import('./project-redis.js')).startServer());
  redis
    .command('status')
    .description('show which server is used, or would be started')
    .option('--json', 'print JSON, for programs')
    .action(async (flags: { json?: boolean }) => (await import('./project-redis.js')).printStatus(flags));
  redis
    .command('stop')
    .description("stop this project's server")
    .action(async () => (await import('./project-redis.js')).stopServer());
  return redis;
}
