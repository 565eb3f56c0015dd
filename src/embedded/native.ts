import { execFile } from 'node:child_process';
import { accessSync, constants, rmSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { installedServer, librariesIn } from './installed.js';
import type { Project } from './project.js';
import { startServer } from './start-server.js';

const run = promisify(execFile);

/** A server program of this machine, of a supported version. */
export interface Program {
  readonly binary: string;
  /** Such as `7.0.15`. */
  readonly version: string;
  readonly name: 'Redis' | 'Valkey';
  /** Environment variables that the program needs. Only an unpacked program that is not installed needs any. */
  readonly env: NodeJS.ProcessEnv;
}

// The PATH of a user often has no directories of daemons, and a program that is started from a desktop has a short PATH.
const usualPlaces = ['/usr/sbin', '/usr/local/bin', '/opt/homebrew/bin'];

/** Oldest supported version: the first with `LMOVE`, `BLMOVE` and `ZADD … GT`, which the scripts use. */
export const oldestVersion = [6, 2] as const;

/**
 * The first usable server program: `valkey-server` or `redis-server` in the PATH or the usual directories of packages, then the
 * one that `hotqueue redis install` unpacked. A program that is too old or does not run is skipped.
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

/** The server program that `hotqueue redis install` unpacked for this user. */
export async function installedProgram(env: NodeJS.ProcessEnv): Promise<Program | undefined> {
  const installed = installedServer(env);
  return installed && (await asProgram(installed.binary, librariesIn(installed.libraries)));
}

/** The program with its name and version, or `undefined` if it does not exist, does not run, or is too old. */
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

/** Whether `version`, such as `6.2.14`, is {@link oldestVersion} or newer. */
export function isSupported(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > oldestVersion[0] || (major === oldestVersion[0] && minor >= oldestVersion[1]);
}

/**
 * Starts a private server, which outlives this process. It listens on a unix socket and has no port. It writes to an
 * append-only file and syncs it each second. If it is killed, it loses at most two seconds of acknowledged writes, usually none.
 *
 * @throws RedisUnreachableError if it does not start, with the last line of its log
 */
export async function startNative(project: Project, program: Program): Promise<void> {
  rmSync(project.socket, { force: true });
  await startServer(project, {
    kind: 'native',
    title: program.binary,
    command: program.binary,
    args: settings(project, program),
    cwd: project.dataDir,
    env: { ...process.env, ...program.env },
    log: 'redis.log',
  });
}

function settings({ socket, dataDir }: Project, { version }: Program): string[] {
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
    // The command line must keep the socket's path: isServing compares it, because another process may have the same pid.
    'set-proc-title': 'no',
    // So that this user can give it a new data directory if the old one was deleted. Version 6.2 always allows it.
    ...(Number.parseInt(version) >= 7 && { 'enable-protected-configs': 'local' }),
  }).flatMap(([name, value]) => [`--${name}`, value]);
}
