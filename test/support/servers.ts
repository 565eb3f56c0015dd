import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { engineCommand } from '../../src/redis/embedded/engine.js';
import { install } from '../../src/redis/embedded/install.js';
import { findProgram, type Program } from '../../src/redis/embedded/native.js';
import { untilReady } from '../../src/redis/embedded/ready.js';

/** A server of a test run, in a directory of its own. */
export interface TestServer {
  readonly url: string;
  readonly stop: () => Promise<void>;
}

/** The real server of this machine; without one, it is downloaded once and kept in the user's cache. */
export async function realProgram(): Promise<Program> {
  return (await findProgram(process.env)) ?? (await install());
}

/** A real Redis that keeps nothing. */
export function startRedis(program: Program, settings: readonly string[] = []): Promise<TestServer> {
  return start('redis', (socket, dir) => ({
    command: program.binary,
    args: ['--port', '0', '--unixsocket', socket, '--dir', dir, '--save', '', '--appendonly', 'no', '--logfile', path.join(dir, 'log'), ...settings],
    cwd: dir,
    env: program.env,
  }));
}

/** The JavaScript engine. */
export const startTestEngine = (): Promise<TestServer> => start('engine', engineCommand);

interface Command {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env?: NodeJS.ProcessEnv;
}

// However a run ends, its end of the pipe closes, and this shell cleans up after it: SIGKILL asks nobody.
const untilStdinEnds = 'dir=$1; shift; "$@" & server=$!; cat > /dev/null; kill -9 "$server"; wait "$server"; rm -rf "$dir"';

async function start(name: string, commandFor: (socket: string, dir: string) => Command): Promise<TestServer> {
  const dir = mkdtempSync(path.join(tmpdir(), `hotqueue-${name}-`));
  const socket = path.join(dir, 'sock');
  const { command, args, cwd, env } = commandFor(socket, dir);
  const guard = spawn('/bin/sh', ['-c', untilStdinEnds, 'sh', dir, command, ...args], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true, // Ctrl-C reaches the whole group, and the tests' own end comes first.
  });
  const ended = once(guard, 'exit');
  const stop = async (): Promise<void> => {
    guard.ref();
    guard.stdin.end();
    await ended;
  };
  try {
    await untilReady({ path: socket }, guard, () => command);
  } catch (error) {
    await stop();
    throw error;
  }
  guard.unref();
  return { url: `unix://${socket}`, stop };
}
