import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { findProgram } from '../dist/embedded/native.js';
import { install } from '../dist/embedded/install.js';
import { sleep } from './clock.js';

// No automatic rewrite during a measurement. servers.js rewrites the file between two measurements.
const aof = ['--appendonly', 'yes', '--auto-aof-rewrite-percentage', '0'];

/** Settings for the persistence of each server of a run. */
export const persistence = {
  plain: ['--appendonly', 'no'],
  'aof-everysec': [...aof, '--appendfsync', 'everysec'],
  'aof-always': [...aof, '--appendfsync', 'always'],
};

/** The native Redis or Valkey of this machine. If there is none, downloads one into the user's cache. */
export async function realProgram() {
  return (await findProgram(process.env)) ?? (await install());
}

// If this process ends for any reason, its end of the pipe closes. Then this shell kills the server and removes its directory.
const untilStdinEnds =
  'dir=$1; shift; "$@" & server=$!; cat > /dev/null; kill -9 "$server"; wait "$server"; rm -rf "$dir"';

/** Starts a private Redis on 127.0.0.1. @param {keyof typeof persistence} kind */
export async function startRedis(program, kind) {
  const dir = mkdtempSync(path.join(tmpdir(), 'hotqueue-bench-'));
  const port = await freePort();
  const settings = [
    '--bind',
    '127.0.0.1',
    '--port',
    String(port),
    '--dir',
    dir,
    '--save',
    '',
    '--logfile',
    path.join(dir, 'log'),
    ...persistence[kind],
  ];
  const guard = spawn('/bin/sh', ['-c', untilStdinEnds, 'sh', dir, program.binary, ...settings], {
    cwd: dir,
    env: { ...process.env, ...program.env },
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true, // Ctrl-C signals the whole process group, and this process must end first
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
    if (guard.exitCode !== null) throw new Error('redis-server exited during its start');
    const listens = await new Promise((resolve) => {
      const socket = connect({ host: '127.0.0.1', port });
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (listens) return;
    await sleep(20);
  }
  throw new Error('redis-server accepted no connection in 500 attempts');
}
