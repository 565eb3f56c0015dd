import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { findProgram } from '../dist/redis/embedded/native.js';
import { install } from '../dist/redis/embedded/install.js';
import { sleep } from './clock.js';

// Its file is made small between two measurements (servers.js), not in the middle of one.
const aof = ['--appendonly', 'yes', '--auto-aof-rewrite-percentage', '0'];

/** How each server of a run keeps what it is told. */
export const persistence = {
  plain: ['--appendonly', 'no'],
  'aof-everysec': [...aof, '--appendfsync', 'everysec'],
  'aof-always': [...aof, '--appendfsync', 'always'],
};

/** The real server of this machine; without one, it is downloaded once and kept in the user's cache. */
export async function realProgram() {
  return (await findProgram(process.env)) ?? (await install());
}

// However this process ends, its end of the pipe closes, and this shell ends the server and removes its directory.
const untilStdinEnds = 'dir=$1; shift; "$@" & server=$!; cat > /dev/null; kill -9 "$server"; wait "$server"; rm -rf "$dir"';

/** A private Redis on 127.0.0.1. @param {keyof typeof persistence} kind */
export async function startRedis(program, kind) {
  const dir = mkdtempSync(path.join(tmpdir(), 'hotqueue-bench-'));
  const port = await freePort();
  const settings = ['--bind', '127.0.0.1', '--port', String(port), '--dir', dir, '--save', '', '--logfile', path.join(dir, 'log'), ...persistence[kind]];
  const guard = spawn('/bin/sh', ['-c', untilStdinEnds, 'sh', dir, program.binary, ...settings], {
    cwd: dir,
    env: { ...process.env, ...program.env },
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true, // Ctrl-C reaches the whole group, and this process is to end first.
  });
  const ended = once(guard, 'exit');
  const stop = async () => {
    guard.stdin.end();
    await ended;
  };
  try {
    await untilItListens(port, guard);
  } catch (error) {
    await stop();
    throw error;
  }
  return { kind, address: { host: '127.0.0.1', port }, stop };
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

async function untilItListens(port, guard) {
  for (let attempt = 0; attempt < 500; attempt += 1) {
    if (guard.exitCode !== null) throw new Error('redis-server ended at once');
    const listens = await new Promise((resolve) => {
      const socket = connect({ host: '127.0.0.1', port });
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (listens) return;
    await sleep(20);
  }
  throw new Error('redis-server does not listen');
}
