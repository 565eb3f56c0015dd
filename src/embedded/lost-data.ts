import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { RedisUnreachableError } from '../core/errors.js';
import { engineField } from './identity.js';
import type { Project } from './project.js';
import { writeRecord } from './record.js';

const replyWithinMs = 10_000;

/** Whether a native server stored messages here. The JavaScript engine does not see them. */
export const hasStoredMessages = ({ dataDir }: Project): boolean =>
  ['appendonlydir', 'appendonly.aof'].some((name) => existsSync(path.join(dataDir, name)));

/**
 * Makes a running server whose data directory was deleted store its messages again, in a new one. Without this it would run on, and
 * lose every message when it ends.
 *
 * @returns whether a native server had lost its data
 * @throws RedisUnreachableError if the server cannot do it, because it was started by an older version of this library
 */
export async function restoreData(project: Project, socket: string): Promise<boolean> {
  const info = await ask(socket, 'INFO', 'server');
  const pid = Number(/^process_id:(\d+)/m.exec(info)?.[1]);
  const kind = info.includes(engineField) ? 'js' : 'native';
  const isLost = kind === 'native' && !hasStoredMessages(project);
  if (isLost) {
    const reply = await ask(socket, 'CONFIG', 'SET', 'dir', project.dataDir);
    if (!reply.startsWith('+OK'))
      throw new RedisUnreachableError(
        `unix://${socket}`,
        `the data directory of the running server (pid ${pid}) was deleted, and the server cannot use a new one (${reply.trim()}). Let workers drain its queues, then run "npx hotqueue redis stop"`,
      );
    await ask(socket, 'BGREWRITEAOF');
  }
  writeRecord(project, { pid, kind, socket });
  return isLost;
}

/** Sends one command. @returns its reply as Redis writes it */
async function ask(path: string, ...words: string[]): Promise<string> {
  const client = connect({ path });
  const timer = setTimeout(() => client.destroy(new Error('no reply')), replyWithinMs);
  try {
    const lines = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
    client.write(`*${words.length}\r\n${lines.join('')}`);
    let reply = Buffer.alloc(0);
    while (!isWhole(reply)) reply = Buffer.concat([reply, ((await once(client, 'data')) as [Buffer])[0]]);
    return reply.toString();
  } catch (cause) {
    throw new RedisUnreachableError(`unix://${path}`, 'the server of this project does not reply. Try again', {
      cause,
    });
  } finally {
    clearTimeout(timer);
    client.destroy();
  }
}

/** Whether it is a whole line, or a whole bulk string. */
function isWhole(reply: Buffer): boolean {
  const end = reply.indexOf('\r\n');
  if (end < 0) return false;
  const [, length] = /^\$(\d+)$/.exec(reply.toString('latin1', 0, end)) ?? [];
  return length === undefined || reply.length >= end + 2 + Number(length) + 2;
}
