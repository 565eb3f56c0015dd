import { existsSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { RedisUnreachableError } from '../core/errors.js';
import { startEngine } from './engine.js';
import { alone } from './lock.js';
import { restoreData } from './lost-data.js';
import { findProgram, startNative } from './native.js';
import { ping } from './ping.js';
import { assertTrusted } from './trust.js';
import { makeReady, type Project } from './project.js';
import { end, isServing, type Kind, readRecord, removeRecord, type ServerRecord } from './record.js';

/** A running server of this project that answers. */
export interface Running {
  readonly socket: string;
  /** Absent if its record was deleted. Then ask the server itself. */
  readonly kind?: Kind;
  /** Whether its data directory had been deleted, and was written again. */
  readonly isRestored?: boolean;
}

/** Time limit for a reply. The JavaScript engine may need this long while it works on a long list, and it must not be stopped then. */
const patienceMs = 15_000;
const startMs = 60_000;

/**
 * The running server of the project, or `undefined`. If it is loading its data, this waits until it has finished.
 *
 * @throws RedisUnreachableError if the server accepts connections and does not reply, or its files belong to another user
 */
export async function findRunning(project: Project): Promise<Running | undefined> {
  assertTrusted(project, project.socket);
  const record = readRecord(project);
  const socket = record?.socket ?? project.socket;
  assertTrusted(project, socket);
  for (;;) {
    const answer = await ping({ path: socket }, patienceMs);
    if (answer === 'closed') return undefined;
    if (answer === 'ready') return { socket, ...(record && { kind: record.kind }) };
    if (answer !== 'loading') throw new RedisUnreachableError(`unix://${socket}`, stuck(record));
    await sleep(50);
  }
}

const stuck = (record: ServerRecord | undefined): string =>
  `the server of this project${record ? ` (pid ${record.pid})` : ''} does not reply. Stop it with "npx hotqueue redis stop"`;

/**
 * The running server of the project, or a new one. If several processes call this at the same time, one of them starts it.
 *
 * @param kinds which kinds may be started, best first
 * @throws RedisUnreachableError if this machine has none of these kinds, or if the server does not start
 */
export async function joinOrStart(project: Project, kinds: readonly Kind[], env: NodeJS.ProcessEnv): Promise<Running> {
  const found = await findRunning(project);
  makeReady(project);
  if (found !== undefined)
    return found.kind ? found : { ...found, isRestored: await restoreData(project, found.socket) };
  const started = await alone(
    path.join(project.dataDir, 'start.lock'),
    startMs,
    async () => (await findRunning(project)) ?? (await startAfresh(project, kinds, env)),
    () => findRunning(project),
  );
  if (started !== undefined) return started;
  throw new RedisUnreachableError(
    `unix://${project.socket}`,
    `another process has been starting the server of this project for ${startMs / 1000} s. Try again, or set REDIS_URL`,
  );
}

async function startAfresh(project: Project, kinds: readonly Kind[], env: NodeJS.ProcessEnv): Promise<Running> {
  const revived = await settleFormer(project);
  if (revived !== undefined) return revived;
  for (const kind of kinds) {
    if (kind === 'js') await startEngine(project, env);
    else {
      const program = await findProgram(env);
      if (program === undefined) continue;
      await startNative(project, program);
    }
    return { socket: project.socket, kind };
  }
  throw new RedisUnreachableError(
    'this machine',
    'it has no valkey-server or redis-server. Install one with "npx hotqueue redis install"',
  );
}

/**
 * Waits for a recorded server that runs and does not answer, and ends it if it still does not. The process that started it may
 * have just died, or its socket may have been deleted. Two servers must not write the same append-only file.
 */
async function settleFormer(project: Project): Promise<Running | undefined> {
  const record = readRecord(project);
  if (record === undefined) return undefined;
  for (let tries = 0; tries < 30 && isServing(record); tries++) {
    const found = await findRunning(project);
    if (found !== undefined) return found;
    await sleep(100);
  }
  await end(record);
  removeRecord(project);
  return undefined;
}

/**
 * Ends the server of the project. A native server saves its data first.
 *
 * @param pid process id as the server reports it, for the case that the record is lost
 * @returns whether a server was running
 */
export async function stopRunning(project: Project, pid: number | undefined): Promise<boolean> {
  if (!existsSync(project.root)) return false; // the folder was deleted
  assertTrusted(project, project.socket);
  const record = readRecord(project);
  const socket = record?.socket ?? project.socket;
  const server = record ?? (pid === undefined ? undefined : { pid, kind: 'native' as const, socket });
  if (server === undefined || !isServing(server)) return false;
  await end(server);
  removeRecord(project);
  if (process.platform !== 'win32') rmSync(socket, { force: true });
  return true;
}
