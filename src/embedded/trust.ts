import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync, type Stats } from 'node:fs';
import path from 'node:path';
import { RedisUnreachableError } from '../core/errors.js';

// Windows has no owners and modes of this kind, and its pipes are private.
const uid = process.getuid?.();
const gid = process.getgid?.();

/** Whether others may write there. A group of one's own, as many systems give to each user, is not others. */
function othersMayWrite({ mode, gid: group }: Stats): boolean {
  return (mode & 0o002) !== 0 || ((mode & 0o020) !== 0 && group !== gid);
}

/**
 * Whether a directory may be the root of a project: it belongs to this user or to root, and others may not write in it. In a shared
 * directory, such as the temporary one, another user could place the record of a server of his own. For root, any owner will do:
 * in a container, a mounted project often belongs to another user.
 */
export function mayBeRoot(directory: string): boolean {
  if (uid === undefined) return true;
  const found = lstatSync(directory);
  return (uid === 0 || found.uid === uid || found.uid === 0) && !othersMayWrite(found);
}

/**
 * Checks everything that this process is about to believe: messages go to the server that a record names, and files are written.
 *
 * @throws RedisUnreachableError if a directory, file or socket of the project belongs to another user, or is a link
 */
export function assertTrusted(project: { readonly root: string; readonly dataDir: string }, socket: string): void {
  if (uid === undefined) return;
  if (!mayBeRoot(project.root))
    throw refused(project.root, 'other users may write there', 'Change to a directory of your own');
  for (const directory of [path.dirname(project.dataDir), project.dataDir, path.dirname(socket)]) {
    const found = lstatSync(directory, { throwIfNoEntry: false });
    if (found) assertOwn(directory, found, found.isDirectory(), 'directory');
  }
  const found = lstatSync(socket, { throwIfNoEntry: false });
  if (found) assertOwn(socket, found, !found.isSymbolicLink(), 'socket');
}

function assertOwn(place: string, found: Stats, isKind: boolean, kind: string): void {
  if (!isKind) throw refused(place, `it is no ${kind}, or a link`, 'Remove it');
  if (found.uid !== uid) throw refused(place, `it belongs to another user (uid ${found.uid})`, 'Remove it');
  if (othersMayWrite(found)) throw refused(place, 'other users may write to it', `Run chmod go-w ${place}`);
}

function refused(place: string, why: string, advice: string): RedisUnreachableError {
  return new RedisUnreachableError(
    place,
    `hotqueue does not use ${place}, because ${why}. ${advice}, or set REDIS_URL`,
  );
}

/** The text of a file of this user. @returns `undefined` if it does not exist @throws RedisUnreachableError as {@link assertTrusted} */
export function readOwn(file: string): string | undefined {
  const descriptor = openOwn(file, constants.O_RDONLY);
  if (descriptor === undefined) return undefined;
  try {
    return readFileSync(descriptor, 'utf8');
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Opens a file of this user, and never through a link. The caller closes it.
 *
 * @param flags of `open`, without `O_NOFOLLOW`
 * @returns `undefined` if it does not exist
 */
export function openOwn(file: string, flags: number): number | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(file, flags | (constants.O_NOFOLLOW ?? 0), 0o600);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    if (code === 'ELOOP' || code === 'EMLINK') throw refused(file, 'it is a link', 'Remove it');
    throw error;
  }
  if (uid === undefined) return descriptor;
  try {
    const found = fstatSync(descriptor);
    assertOwn(file, found, found.isFile(), 'file');
    return descriptor;
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}
