import { linkSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { readOwn } from './trust.js';

/** A lock that is older than this counts as abandoned, even if its process runs. */
const longestHoldMs = 90_000;
const tryAgainMs = 25;

/**
 * Runs `work` while no other process of this machine runs it under the same lock file. While it waits for the lock, it calls
 * `meanwhile`, and returns its first result. A lock of a dead process is taken over.
 *
 * Redis removes the socket of a running server and does not lock its data. Without this lock, two processes that start a server
 * at the same time would take the socket from each other and write the same append-only file.
 *
 * @returns `undefined` if there is no result within `deadlineMs`
 */
export async function alone<T>(
  file: string,
  deadlineMs: number,
  work: () => Promise<T>,
  meanwhile: () => Promise<T | undefined>,
): Promise<T | undefined> {
  const giveUpAt = performance.now() + deadlineMs;
  while (!acquire(file)) {
    const found = await meanwhile();
    if (found !== undefined) return found;
    if (performance.now() > giveUpAt) return undefined;
    await sleep(tryAgainMs);
  }
  try {
    return await work();
  } finally {
    if (holder(file) === mine) rmSync(file, { force: true });
  }
}

const mine = `${process.pid} ${hostname()}`;

function acquire(file: string): boolean {
  const found = holder(file);
  if (found !== undefined) {
    if (!isAbandoned(file, found)) return false;
    takeAway(file, found);
  }
  try {
    writeFileSync(file, mine, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false;
    throw error;
  }
}

function holder(file: string): string | undefined {
  return readOwn(file);
}

function isAbandoned(file: string, found: string): boolean {
  const [pid = '', host] = found.split(' ');
  const ageMs = Date.now() - (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
  if (ageMs > longestHoldMs) return true;
  // A pid of another machine proves nothing. An empty file may belong to a process that is about to write it.
  if (host !== hostname()) return found === '' && ageMs > 1_000;
  return !isAlive(Number(pid));
}

/**
 * Removes the abandoned lock, and only this one. Another process may have replaced it since it was read. Then the new lock is
 * restored.
 */
function takeAway(file: string, judged: string): void {
  const aside = `${file}.${process.pid}`;
  try {
    renameSync(file, aside);
    if (readFileSync(aside, 'utf8') !== judged) linkSync(aside, file);
  } catch (error) {
    if (!isCode(error, 'ENOENT') && !isCode(error, 'EEXIST')) throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

/**
 * Whether a process with this pid runs on this machine, of this user or another. A zombie does not count as running: in a
 * container without an init process, zombies are never removed.
 */
export function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0 || isZombie(pid)) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return isCode(error, 'EPERM');
  }
}

function isZombie(pid: number): boolean {
  if (process.platform !== 'linux') return false;
  try {
    return /\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
