import { spawn } from 'node:child_process';
import { closeSync, constants, readFileSync } from 'node:fs';
import path from 'node:path';
import { RedisUnreachableError } from '../core/errors.js';
import type { Project } from './project.js';
import { untilReady } from './ready.js';
import { openOwn } from './trust.js';
import { removeRecord, writeRecord, type Kind } from './record.js';

/** How to run a server. */
export interface ServerCommand {
  readonly kind: Kind;
  /** For the error, such as `the JavaScript engine`. */
  readonly title: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Name of the log file in the data directory. */
  readonly log: string;
}

/**
 * Starts a server of this project that outlives this process. Resolves when it replies.
 *
 * @throws RedisUnreachableError if it does not start, with the last line of its log
 */
export async function startServer(project: Project, server: ServerCommand): Promise<void> {
  const logFile = path.join(project.dataDir, server.log);
  const log = openOwn(logFile, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT);
  if (log === undefined) throw new RedisUnreachableError(logFile, 'its directory was deleted. Try again');
  const { command, args, cwd, env } = server;
  const child = spawn(command, args, { cwd, env, detached: true, stdio: ['ignore', log, log] });
  closeSync(log);
  // Before the server replies: if this process dies now, the next one must know that a server is starting.
  if (child.pid !== undefined) writeRecord(project, { pid: child.pid, kind: server.kind, socket: project.socket });
  child.unref();
  try {
    await untilReady({ path: project.socket }, child, () => lastLine(logFile));
  } catch (cause) {
    removeRecord(project);
    const reason = cause instanceof Error ? cause.message : String(cause);
    const sentence = `${server.title} does not start: ${reason}. See ${logFile}`;
    throw new RedisUnreachableError(`unix://${project.socket}`, sentence, { cause });
  }
}

function lastLine(file: string): string {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').at(-1) ?? '';
  } catch {
    return '';
  }
}
