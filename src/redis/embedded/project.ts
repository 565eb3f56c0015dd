import { createHash } from 'node:crypto';
import { accessSync, chmodSync, constants, existsSync, lstatSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { RedisUnreachableError } from '../../contract/errors.js';

/** Where one project keeps its embedded server. All paths are absolute: the server changes its working directory. */
export interface Project {
  /** The nearest directory upward with a `package.json`, or where the search began. */
  readonly root: string;
  /** Lock, log, record and append-only file; made by {@link makeReady}. */
  readonly dataDir: string;
  /** The unix socket (a named pipe on Windows), outside the project because of {@link longestSocket}. */
  readonly socket: string;
}

// A kernel's sockaddr_un holds 107 bytes and a NUL on Linux, 103 on macOS; a longer path fails when it is bound.
const longestSocket = 100;

/** The project around `cwd`. Two paths to one directory are one project. Nothing is created yet. */
export function projectAt(cwd: string, env: NodeJS.ProcessEnv): Project {
  const start = realpathSync(cwd);
  const root = nearestPackage(start) ?? start;
  const dataDir = path.join(root, '.hotqueue', 'redis');
  return { root, dataDir, socket: socketFor(dataDir, env) };
}

function nearestPackage(dir: string): string | undefined {
  if (existsSync(path.join(dir, 'package.json'))) return dir;
  const parent = path.dirname(dir);
  return parent === dir ? undefined : nearestPackage(parent);
}

function socketFor(dataDir: string, env: NodeJS.ProcessEnv): string {
  const id = createHash('sha256').update(dataDir).digest('hex').slice(0, 16);
  if (process.platform === 'win32') return `\\\\.\\pipe\\hotqueue-${id}`;
  const own = `hotqueue-${userInfo().uid}`;
  const places = [
    ...(isUsable(env.XDG_RUNTIME_DIR) ? [path.join(env.XDG_RUNTIME_DIR, 'hotqueue')] : []),
    path.join(env.TMPDIR ?? tmpdir(), own),
    path.join('/tmp', own),
  ];
  const sockets = places.map((place) => path.resolve(place, `${id}.sock`));
  return sockets.find((socket) => Buffer.byteLength(socket) <= longestSocket) ?? path.join('/tmp', own, `${id}.sock`);
}

/** After `su` or in a container the variable often names a directory that is not there, or is another user's. */
function isUsable(dir: string | undefined): dir is string {
  if (dir === undefined || !path.isAbsolute(dir)) return false;
  try {
    accessSync(dir, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Makes the directories a server needs, readable by their owner only, and keeps them out of git.
 *
 * @throws RedisUnreachableError when the project cannot be written to, or somebody else owns the socket's directory
 */
export function makeReady(project: Project): void {
  try {
    mkdirSync(project.dataDir, { recursive: true, mode: 0o700 });
    const ignore = path.join(project.root, '.hotqueue', '.gitignore');
    if (!existsSync(ignore)) writeFileSync(ignore, '*\n');
    if (process.platform !== 'win32') makePrivate(path.dirname(project.socket));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RedisUnreachableError(project.dataDir, `no server of its own can be started there (${reason}); set REDIS_URL`, { cause });
  }
}

/** In a directory that all may write to, somebody else may have made ours first, to listen in on the socket. */
function makePrivate(dir: string): void {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const found = lstatSync(dir);
  if (!found.isDirectory() || found.uid !== userInfo().uid) throw new Error(`${dir} belongs to somebody else`);
  if ((found.mode & 0o077) !== 0) chmodSync(dir, 0o700);
}
