import { createHash } from 'node:crypto';
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  realpathSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { RedisUnreachableError } from '../core/errors.js';
import { assertTrusted, mayBeRoot } from './trust.js';

/** Paths of the embedded server of one project. All are absolute, because the server changes its working directory. */
export interface Project {
  /**
   * The nearest parent directory with a `package.json` in which only this user may write, or the directory in which the search
   * began.
   */
  readonly root: string;
  /** Directory of the lock, log, record and append-only file. {@link makeReady} creates it. */
  readonly dataDir: string;
  /** The unix socket (a named pipe on Windows). It is outside the project because of {@link longestSocket}. */
  readonly socket: string;
}

// The path of a unix socket has at most 107 bytes and a NUL on Linux, 103 on macOS. Binding a longer path fails.
const longestSocket = 100;

/** The project that contains `cwd`. Two paths to one directory are the same project. Creates nothing. */
export function projectAt(cwd: string, env: NodeJS.ProcessEnv): Project {
  const start = realpathSync(cwd);
  const root = nearestPackage(start) ?? start;
  const dataDir = path.join(root, '.hotqueue', 'redis');
  return { root, dataDir, socket: socketFor(dataDir, env) };
}

function nearestPackage(dir: string): string | undefined {
  if (existsSync(path.join(dir, 'package.json')) && mayBeRoot(dir)) return dir;
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

/** Whether `dir` is writable. After `su` or in a container, XDG_RUNTIME_DIR often names a missing directory or one of another user. */
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
 * Creates the directories that a server needs, readable only by their owner, and excludes them from git.
 *
 * @throws RedisUnreachableError if the project is not writable, or another user owns the directory of the socket
 */
export function makeReady(project: Project): void {
  try {
    mkdirSync(project.dataDir, { recursive: true, mode: 0o700 });
    assertTrusted(project, project.socket);
    const ignore = path.join(project.root, '.hotqueue', '.gitignore');
    if (!lstatSync(ignore, { throwIfNoEntry: false })) writeFileSync(ignore, '*\n', { flag: 'wx' });
    if (process.platform !== 'win32') makePrivate(path.dirname(project.socket));
  } catch (cause) {
    if (cause instanceof RedisUnreachableError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RedisUnreachableError(
      project.dataDir,
      `cannot start a server there (${reason}). Set REDIS_URL to use another server`,
      { cause },
    );
  }
}

/**
 * Creates a directory that only this user can open. In a directory that is writable for all, another user may have created it
 * first, to read from the socket.
 */
function makePrivate(dir: string): void {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const found = lstatSync(dir);
  if (!found.isDirectory() || found.uid !== userInfo().uid) throw new Error(`${dir} belongs to another user`);
  if ((found.mode & 0o077) !== 0) chmodSync(dir, 0o700);
}
