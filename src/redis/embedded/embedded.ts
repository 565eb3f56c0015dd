import { existsSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { RedisUnreachableError } from '../../contract/errors.js';
import { startEngine } from './engine.js';
import { alone } from './lock.js';
import { findProgram, startNative } from './native.js';
import { ping } from './ping.js';
import { makeReady, type Project } from './project.js';
import { end, isServing, type Kind, readRecord, removeRecord, type ServerRecord } from './record.js';

/** A server of this project that answers. */
export interface Running {
  readonly socket: string;
  /** Not known when its record was deleted; then the server tells. */
  readonly kind?: Kind;
}

/** An engine that shovels a long list may be this long about its answer; killing it would lose its messages. */
const patienceMs = 15_000;
const startMs = 60_000;

/**
 * The project's server, if one answers; one that is still loading its data is waited for.
 *
 * @throws RedisUnreachableError when it is there and says nothing
 */
export async function findRunning(project: Project): Promise<Running | undefined> {
  const record = readRecord(project);
  const socket = record?.socket ?? project.socket;
  for (;;) {
    const answer = await ping({ path: socket }, patienceMs);
    if (answer === 'closed') return undefined;
    if (answer === 'ready') return { socket, ...(record && { kind: record.kind }) };
    if (answer !== 'loading') throw new RedisUnreachableError(`unix://${socket}`, stuck(record));
    await sleep(50);
  }
}

const stuck = (record: ServerRecord | undefined): string =>
  `this project's own server${record ? ` (pid ${record.pid})` : ''} does not answer: "npx hotqueue redis stop" ends it`;

/**
 * The project's server: the one that runs, or a new one. However many processes ask at once, one of them starts it.
 *
 * @param kinds which kinds may be started, best first
 * @throws RedisUnreachableError when there is none of these kinds here, or it does not start
 */
export async function joinOrStart(project: Project, kinds: readonly Kind[], env: NodeJS.ProcessEnv): Promise<Running> {
  const found = await findRunning(project);
  if (found !== undefined) return found;
  makeReady(project);
  const started = await alone(
    path.join(project.dataDir, 'start.lock'),
    startMs,
    async () => (await findRunning(project)) ?? (await startAfresh(project, kinds, env)),
    () => findRunning(project),
  );
  if (started !== undefined) return started;
  throw new RedisUnreachableError(`unix://${project.socket}`, `another process has been starting this project's server for ${startMs / 1000} s`);
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
  throw new RedisUnreachableError('this machine', 'there is no valkey-server or redis-server here: "npx hotqueue redis install" gets one');
}

/**
 * The recorded server may live and not answer: its starter died a moment ago, or its socket was swept away. Two servers
 * must not write one append-only file, so it is awaited, and else ended.
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
 * Ends the project's server; a native one writes its data first.
 *
 * @param pid what the server itself says, for when the record is lost
 * @returns whether anything ran
 */
export async function stopRunning(project: Project, pid: number | undefined): Promise<boolean> {
  const record = readRecord(project);
  const socket = record?.socket ?? project.socket;
  const server = record ?? (pid === undefined ? undefined : { pid, kind: 'native' as const, socket });
  if (server === undefined || !isServing(server)) return false;
  await end(server);
  removeRecord(project);
  if (process.platform !== 'win32') rmSync(socket, { force: true });
  return true;
}

/** Whether a native server left messages here, which the JavaScript engine will not see. */
export const hasStoredMessages = ({ dataDir }: Project): boolean =>
  ['appendonlydir', 'appendonly.aof'].some((name) => existsSync(path.join(dataDir, name)));
