import path from 'node:path';
import type { Command } from 'commander';
import { HotQueueError, RedisUnsupportedError } from 'hotqueue';
import { handshake } from '../../redis/handshake.js';
import { labelOf } from '../../redis/named-address.js';
import { answer, exitCodes, redisCommand, type RedisFlags } from '../command.js';
import { harmless, paint } from '../output.js';
import { existingRedis, type ExistingRedis } from '../existing-redis.js';
import { exitSoon } from '../exit.js';
import { assertFile } from '../worker/load.js';
import { judgeDecorators } from './decorators.js';
import { ok, problem, warning, type Finding } from './finding.js';
import { judgeServer } from './judge-server.js';
import { findOrphans } from './orphans.js';
import { judgePayloads } from './payloads.js';
import { readServer } from '../../inspect/server-facts.js';

/** `doctor`: reports what could lose messages or stop workers. Changes nothing. */
export function doctorCommand(): Command {
  return redisCommand(
    'doctor',
    'Check the server, this project and the queues for problems that could lose messages or stop workers. Changes nothing. Exits with 1 if there is a problem.',
    [
      ['doctor', 'a line for each check, and what to do about a problem'],
      ['doctor src/workers.ts', 'check also the payload classes of the workers in a file; it loads the file'],
      ['doctor --json | jq \'.findings[] | select(.status != "ok")\'', 'only warnings and problems'],
    ],
  )
    .argument('[files...]', 'modules with workers: also check their payload classes. It loads them, and runs no worker')
    .action(doctor);
}

async function doctor(files: readonly string[], flags: RedisFlags): Promise<void> {
  files.forEach(assertFile);
  try {
    const findings = [
      ...(await judgeRedis(flags)),
      ...judgeDecorators(process.cwd()),
      ...(files.length > 0 ? await judgePayloads(files.map((file) => path.resolve(file))) : []),
    ];
    const isWell = findings.every(({ status }) => status !== 'problem');
    answer(flags, { ok: isWell, findings: findings.map((finding) => ({ fix: null, ...finding })) }, () =>
      findings.map(lineOf).join('\n'),
    );
    if (!isWell) process.exitCode = exitCodes.failed;
  } finally {
    if (files.length > 0) exitSoon(); // what the files opened would keep the process alive
  }
}

async function judgeRedis(flags: RedisFlags): Promise<Finding[]> {
  try {
    const existing = await existingRedis(flags);
    if (existing)
      return [
        await version(existing),
        ...judgeServer(await readServer(existing.address)),
        ...(await findOrphans(existing.address)),
      ];
    if (process.env['NODE_ENV'] === 'production')
      return [
        problem(
          'redis',
          'no address is configured, and with NODE_ENV=production no server is started',
          'set REDIS_URL',
        ),
      ];
    return [
      warning(
        'redis',
        'no server is running yet: the first use of a queue starts one for this project',
        'set REDIS_URL to use your own server; "hotqueue redis status" shows what would be started',
      ),
    ];
  } catch (error) {
    if (!(error instanceof HotQueueError)) throw error;
    if (error instanceof RedisUnsupportedError)
      return [
        problem('redis', error.message, 'upgrade the server, or run "hotqueue redis install" to get a newer one'),
      ];
    return [problem('redis', error.message, 'start the server, or correct the address (--url, REDIS_URL)')];
  }
}

async function version({ endpoint }: ExistingRedis): Promise<Finding> {
  const { name, version: number } = await handshake(endpoint);
  return ok('redis', `${name} ${number ?? '(unknown version)'} at ${labelOf(endpoint)}`);
}

const colours = { ok: 'green', warning: 'yellow', problem: 'red' } as const;

function lineOf({ check, status, says, fix }: Finding): string {
  const line = `${paint(colours[status], status.padEnd(7))}  ${check.padEnd(17)}  ${harmless(says)}`;
  return fix === undefined ? line : `${line}\n${' '.repeat(9)}${' '.repeat(19)}${paint('dim', '→')} ${harmless(fix)}`;
}
