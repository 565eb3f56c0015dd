import { execFileSync } from 'node:child_process';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive } from './lock.js';
import { readOwn } from './trust.js';
import type { Project } from './project.js';

/** Program of an embedded server: a native Redis or Valkey, or the JavaScript engine. */
export type Kind = 'native' | 'js';

/** Record of a started server, for later processes. It is only a hint: they ask the server itself to be sure. */
export interface ServerRecord {
  readonly pid: number;
  readonly kind: Kind;
  /** May differ from {@link Project.socket}, which depends on the environment. A project has only one server. */
  readonly socket: string;
}

const fileOf = (project: Project): string => path.join(project.dataDir, 'server.json');

/** @throws RedisUnreachableError if the record belongs to another user */
export function readRecord(project: Project): ServerRecord | undefined {
  const text = readOwn(fileOf(project));
  try {
    const { pid, kind, socket } = JSON.parse(text ?? '') as Partial<ServerRecord>;
    if (typeof pid !== 'number' || typeof socket !== 'string' || (kind !== 'native' && kind !== 'js')) return undefined;
    return { pid, kind, socket };
  } catch {
    return undefined; // missing, or incomplete after a crash: the caller tries the computed socket
  }
}

export function writeRecord(project: Project, record: ServerRecord): void {
  const file = fileOf(project);
  rmSync(`${file}.new`, { force: true });
  writeFileSync(`${file}.new`, JSON.stringify(record), { mode: 0o600, flag: 'wx' });
  renameSync(`${file}.new`, file);
}

export function removeRecord(project: Project): void {
  rmSync(fileOf(project), { force: true });
}

/** Whether the recorded process runs and is the recorded server. Another process may have its pid now. */
export function isServing({ pid, socket }: ServerRecord): boolean {
  return isAlive(pid) && commandLine(pid).includes(socket);
}

function commandLine(pid: number): string {
  try {
    if (process.platform === 'linux') return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    return execFileSync('ps', ['-ww', '-o', 'args=', '-p', String(pid)], { encoding: 'utf8', stdio: 'pipe' });
  } catch {
    return '';
  }
}

/** Sends SIGTERM to a server, and SIGKILL after `patienceMs`, and waits until the server has ended. */
export async function end(server: ServerRecord, patienceMs = 10_000): Promise<void> {
  if (!isServing(server)) return;
  process.kill(server.pid, 'SIGTERM');
  const insistAt = performance.now() + patienceMs;
  for (let insisted = false; isServing(server); await sleep(10)) {
    if (insisted || performance.now() < insistAt) continue;
    process.kill(server.pid, 'SIGKILL');
    insisted = true;
  }
}
