import { execFile, spawn } from 'node:child_process';
import { accessSync, closeSync, constants, openSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { RedisUnreachableError } from '../../contract/errors.js';
import { installedServer, librariesIn } from './installed.js';
import type { Project } from './project.js';
import { removeRecord, writeRecord } from './record.js';
import { untilReady } from './ready.js';

const run = promisify(execFile);

/** A server program of this machine that is new enough. */
export interface Program {
  readonly binary: string;
  /** Such as `7.0.15`. */
  readonly version: string;
  readonly name: 'Redis' | 'Valkey';
  /** What the program needs in its environment, for one that was unpacked and not installed. */
  readonly env: NodeJS.ProcessEnv;
}

// Daemons are often not on the PATH of a user, and a program started from a desktop has a short one.
const usualPlaces = ['/usr/sbin', '/usr/local/bin', '/opt/homebrew/bin'];

/** The oldest version whose `LMOVE`, `BLMOVE` and `ZADD … GT` the scripts may use. */
export const oldestVersion = [6, 2] as const;

/**
 * The first usable server: `valkey-server` or `redis-server` from the PATH and the places where packages put them, then
 * the one that `hotqueue redis install` unpacked. One that is too old or does not run is passed over.
 */
export async function findProgram(env: NodeJS.ProcessEnv): Promise<Program | undefined> {
  if (process.platform === 'win32') return undefined;
  const places = [...(env.PATH ?? '').split(path.delimiter).filter((place) => path.isAbsolute(place)), ...usualPlaces];
  for (const place of places) {
    for (const name of ['valkey-server', 'redis-server']) {
      const found = await asProgram(path.join(place, name), {});
      if (found !== undefined) return found;
    }
  }
  return installedProgram(env);
}

/** The one that `hotqueue redis install` unpacked for this user. */
export async function installedProgram(env: NodeJS.ProcessEnv): Promise<Program | undefined> {
  const installed = installedServer(env);
  return installed && (await asProgram(installed.binary, librariesIn(installed.libraries)));
}

/** What the program says of itself, or `undefined` when it is not there, does not run, or is too old. */
export async function asProgram(binary: string, env: NodeJS.ProcessEnv): Promise<Program | undefined> {
  try {
    accessSync(binary, constants.X_OK);
    const { stdout } = await run(binary, ['--version'], { env: { ...process.env, ...env }, timeout: 5_000 });
    const version = /v=(\d+(?:\.\d+)*)/.exec(stdout)?.[1] ?? '';
    const name = /valkey/i.test(stdout) ? 'Valkey' : 'Redis';
    return isSupported(version) ? { binary, version, name, env } : undefined;
  } catch {
    return undefined;
  }
}

/** Whether `version`, such as `6.2.14`, is not older than {@link oldestVersion}. */
export function isSupported(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > oldestVersion[0] || (major === oldestVersion[0] && minor >= oldestVersion[1]);
}

/**
 * Starts a private instance: a unix socket and no port, every write in an append-only file, synced each second: a killed
 * server loses two seconds of acknowledged writes at most, mostly none. It outlives this process.
 *
 * @throws RedisUnreachableError with the last line of its log when it does not come up
 */
export async function startNative(project: Project, program: Program): Promise<void> {
  const logFile = path.join(project.dataDir, 'redis.log');
  rmSync(project.socket, { force: true });
  const log = openSync(logFile, 'a', 0o600);
  const child = spawn(program.binary, settings(project), {
    cwd: project.dataDir,
    detached: true,
    stdio: ['ignore', log, log],
    env: { ...process.env, ...program.env },
  });
  closeSync(log);
  // Before it answers: should this process die now, the next one must know that a server is on its way.
  if (child.pid !== undefined) writeRecord(project, { pid: child.pid, kind: 'native', socket: project.socket });
  child.unref();
  try {
    await untilReady({ path: project.socket }, child, () => lastLine(logFile));
  } catch (cause) {
    removeRecord(project);
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RedisUnreachableError(`unix://${project.socket}`, `${program.binary} does not start: ${reason} (${logFile})`, { cause });
  }
}

function settings({ socket, dataDir }: Project): string[] {
  return Object.entries({
    port: '0',
    unixsocket: socket,
    unixsocketperm: '700',
    dir: dataDir,
    appendonly: 'yes',
    appendfsync: 'everysec',
    save: '',
    'maxmemory-policy': 'noeviction',
    daemonize: 'no',
    // The command line must go on naming the socket: by it a server is told from a stranger with the same pid.
    'set-proc-title': 'no',
  }).flatMap(([name, value]) => [`--${name}`, value]);
}

/** The end of a log, for an error message. */
export function lastLine(file: string): string {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').at(-1) ?? '';
  } catch {
    return '';
  }
}
