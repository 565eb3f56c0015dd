import { execFileSync } from 'node:child_process';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive } from './lock.js';
import type { Project } from './project.js';

/** Which program an embedded server is: a real Redis or Valkey, or the JavaScript engine. */
export type Kind = 'native' | 'js';

/** What the starter of a server leaves for the processes after it. Only a hint: the server itself is asked for the truth. */
export interface ServerRecord {
  readonly pid: number;
  readonly kind: Kind;
  /** May differ from {@link Project.socket}: that depends on the environment, and a project has one server. */
  readonly socket: string;
}

const fileOf = (project: Project): string => path.join(project.dataDir, 'server.json');

export function readRecord(project: Project): ServerRecord | undefined {
  try {
    const { pid, kind, socket } = JSON.parse(readFileSync(fileOf(project), 'utf8')) as Partial<ServerRecord>;
    if (typeof pid !== 'number' || typeof socket !== 'string' || (kind !== 'native' && kind !== 'js')) return undefined;
    return { pid, kind, socket };
  } catch {
    return undefined; // Missing, or cut short by a crash: then the computed socket is tried.
  }
}

export function writeRecord(project: Project, record: ServerRecord): void {
  const file = fileOf(project);
  writeFileSync(`${file}.new`, JSON.stringify(record), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

export function removeRecord(project: Project): void {
  rmSync(fileOf(project), { force: true });
}

/** Whether the recorded process still runs and is the recorded server: its number may have gone to a stranger. */
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

/** Asks a server to end, insists after `patienceMs`, and waits until it has. */
export async function end(server: ServerRecord, patienceMs = 10_000): Promise<void> {
  if (!isServing(server)) return;
  process.kill(server.pid, 'SIGTERM');
  const insistAt = Date.now() + patienceMs;
  for (let insisted = false; isServing(server); await sleep(10)) {
    if (insisted || Date.now() < insistAt) continue;
    process.kill(server.pid, 'SIGKILL');
    insisted = true;
  }
}
