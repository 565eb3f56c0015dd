import path from 'node:path';
import type { Command } from 'commander';
import { answer, exitCodes, redisCommand, type RedisFlags } from '../command.js';
import { paint, printable } from '../output.js';
import type { Finding } from './finding.js';

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
  if (files.length > 0) files.forEach((await import('../worker/load.js')).assertFile);
  try {
    const { judgeDecorators } = await import('./decorators.js');
    const { judgeRedis } = await import('./judge-redis.js');
    const { judgePayloads } = await import('./payloads.js');
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
    if (files.length > 0) (await import('../exit.js')).exitSoon(); // what the files opened would keep the process alive
  }
}

const colours = { ok: 'green', warning: 'yellow', problem: 'red' } as const;

function lineOf({ check, status, says, fix }: Finding): string {
  const line = `${paint(colours[status], status.padEnd(7))}  ${check.padEnd(17)}  ${printable(says)}`;
  return fix === undefined ? line : `${line}\n${' '.repeat(9)}${' '.repeat(19)}${paint('dim', '→')} ${printable(fix)}`;
}
