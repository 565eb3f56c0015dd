import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { engineCommand } from '../../src/embedded/engine.js';
import { install } from '../../src/embedded/install.js';
import { findProgram, type Program } from '../../src/embedded/native.js';
import { untilReady } from '../../src/embedded/ready.js';

/** A server for tests, with its own directory. */
export interface TestServer {
  readonly url: string;
  readonly stop: () => Promise<void>;
}

/** The Redis of this machine. If there is none, it is downloaded once into the user's cache. */
export async function realProgram(): Promise<Program> {
  return (await findProgram(process.env)) ?? (await install());
}

/** Starts a Redis without persistence. */
export function startRedis(program: Program, settings: readonly string[] = []): Promise<TestServer> {
  return start('redis', (socket, dir) => ({
    command: program.binary,
    args: [
      '--port',
      '0',
      '--unixsocket',
      socket,
      '--dir',
      dir,
      '--save',
      '',
      '--appendonly',
      'no',
      '--logfile',
      path.join(dir, 'log'),
      ...settings,
    ],
    cwd: dir,
    env: program.env,
  }));
}

/** Starts the JavaScript engine. */
export const startTestEngine = (): Promise<TestServer> => start('engine', engineCommand);

interface Command {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env?: NodeJS.ProcessEnv;
}

// A SIGKILL of the test run executes no cleanup. But it closes the pipe to this shell, which then kills the server and removes its directory.
const untilStdinEnds =
  'dir=$1; shift; "$@" & server=$!; cat > /dev/null; kill -9 "$server"; wait "$server"; rm -rf "$dir"';

async function start(name: string, commandFor: (socket: string, dir: string) => Command): Promise<TestServer> {
  const dir = mkdtempSync(path.join(tmpdir(), `hotqueue-${name}-`));
  const socket = path.join(dir, 'sock');
  const { command, args, cwd, env } = commandFor(socket, dir);
  const guard = spawn('/bin/sh', ['-c', untilStdinEnds, 'sh', dir, command, ...args], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true, // Ctrl-C goes to the whole process group, and the tests must end before the server
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
