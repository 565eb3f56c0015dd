import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Cluster, Redis } from 'ioredis';

/** The transitions of a message, in the order of its life. Each is one `.lua` file. Its only caller is in `broker.ts`. */
export const transitions = [
  'put',
  'place',
  'delay',
  'join',
  'take',
  'beat',
  'ack',
  'retry',
  'bury',
  'release',
  'leave',
  'recover',
  'promote',
  'move',
  'cancel',
  'revive',
  'drop',
  'sweep',
  'clear',
] as const;
/** All scripts: the transitions, and `count`, which only reads. */
export const scriptNames = [...transitions, 'count'] as const;
export type ScriptName = (typeof scriptNames)[number];

interface Script {
  readonly lua: string;
  readonly sha: string;
}

export const scripts = Object.fromEntries(scriptNames.map((name) => [name, load(name)])) as Record<ScriptName, Script>;

function load(name: ScriptName): Script {
  // Lua in Redis has no modules. So a line `-- include <file>` is replaced by the text of that file.
  const lua = textOf(`${name}.lua`).replace(/^-- include (\S+)\n/m, (_, file: string) => textOf(file));
  return { lua, sha: createHash('sha1').update(lua).digest('hex') };
}

function textOf(file: string): string {
  return readFileSync(new URL(`./scripts/${file}`, import.meta.url), 'utf8');
}

/** Runs a script and returns its reply with buffers instead of strings, for replies that contain bytes. */
export async function runScriptForBytes(
  client: Redis | Cluster,
  name: ScriptName,
  keys: readonly string[],
  args: readonly (string | number)[],
): Promise<unknown> {
  const { lua, sha } = scripts[name];
  try {
    return await client.callBuffer('evalsha', sha, keys.length, ...keys, ...args);
  } catch (error) {
    if (!isUnknownScript(error)) throw error;
    return await client.callBuffer('eval', lua, keys.length, ...keys, ...args);
  }
}

/** Whether the error says that the server does not know a script by its hash. This follows a restart, flush or failover. */
export function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT');
}
