import type { Command } from 'commander';
import { HotQueueError, RedisUnsupportedError } from 'hotqueue';
import { greet } from '../../../redis/greeting.js';
import { labelOf } from '../../../redis/named-address.js';
import { answer, exitCodes, redisCommand, type RedisFlags } from '../command.js';
import { harmless, paint } from '../output.js';
import { presentRedis, type Present } from '../present.js';
import { judgeDecorators } from './decorators.js';
import { ok, problem, warning, type Finding } from './finding.js';
import { judgeServer } from './judge-server.js';
import { findOrphans } from './orphans.js';
import { readServer } from './server.js';

/** `doctor`: what could lose messages, or keep workers from working; only looks. */
export function doctorCommand(): Command {
  return redisCommand('doctor', 'Look for what could lose messages or stop work: the server, this project, the queues. Changes nothing. Ends with 1 when there is a problem.', [
    ['doctor', 'a line for each thing, with a way out'],
    ["doctor --json | jq '.findings[] | select(.status != \"ok\")'", 'what is not well'],
  ]).action(async (flags: RedisFlags) => {
    const findings = [...(await judgeRedis(flags)), ...judgeDecorators(process.cwd())];
    const isWell = findings.every(({ status }) => status !== 'problem');
    answer(flags, { ok: isWell, findings: findings.map((finding) => ({ wayOut: null, ...finding })) }, () => findings.map(lineOf).join('\n'));
    if (!isWell) process.exitCode = exitCodes.failed;
  });
}

async function judgeRedis(flags: RedisFlags): Promise<Finding[]> {
  try {
    const present = await presentRedis(flags);
    if (present) return [await version(present), ...judgeServer(await readServer(present.address)), ...(await findOrphans(present.address))];
    if (process.env['NODE_ENV'] === 'production') return [problem('redis', 'none is named, and with NODE_ENV=production none is started', 'set REDIS_URL')];
    return [warning('redis', 'none is there yet: the first use of a queue starts one for this project', 'set REDIS_URL for one of your own; "hotqueue redis status" says what would be started')];
  } catch (error) {
    if (!(error instanceof HotQueueError)) throw error;
    if (error instanceof RedisUnsupportedError) return [problem('redis', error.message, 'upgrade it; "hotqueue redis install" gets one that is new enough')];
    return [problem('redis', error.message, 'start it, or correct the address (--url, REDIS_URL)')];
  }
}

async function version({ place }: Present): Promise<Finding> {
  const { name, version: number } = await greet(place);
  return ok('redis', `${name} ${number ?? 'of a version that it does not tell'} at ${labelOf(place)}`);
}

const colours = { ok: 'green', warning: 'yellow', problem: 'red' } as const;

function lineOf({ check, status, says, wayOut }: Finding): string {
  const line = `${paint(colours[status], status.padEnd(7))}  ${check.padEnd(17)}  ${harmless(says)}`;
  return wayOut === undefined ? line : `${line}\n${' '.repeat(9)}${' '.repeat(19)}${paint('dim', '→')} ${harmless(wayOut)}`;
}
