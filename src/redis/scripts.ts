import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Cluster, Redis } from 'ioredis';

/** The transitions of a message, in the order of its life. Each is one `.lua` file with one caller, in `broker.ts`. */
export const scriptNames = ['put', 'place', 'delay', 'join', 'take', 'beat', 'ack', 'retry', 'bury', 'release', 'leave', 'recover', 'promote', 'move', 'cancel', 'revive', 'drop', 'sweep', 'clear'] as const;
export type ScriptName = (typeof scriptNames)[number];

interface Script {
  readonly lua: string;
  readonly sha: string;
}

const scripts = Object.fromEntries(scriptNames.map((name) => [name, load(name)])) as Record<ScriptName, Script>;

function load(name: ScriptName): Script {
  // Redis has no modules: a line `-- include <file>` is replaced by that file.
  const lua = textOf(`${name}.lua`).replace(/^-- include (\S+)\n/m, (_, file: string) => textOf(file));
  return { lua, sha: createHash('sha1').update(lua).digest('hex') };
}

function textOf(file: string): string {
  return readFileSync(new URL(`./scripts/${file}`, import.meta.url), 'utf8');
}

/** Runs a script by its hash; a server that does not know it (restarted, flushed, failed over) is sent the text. */
export async function runScript(
  client: Redis | Cluster,
  name: ScriptName,
  keys: readonly string[],
  args: readonly (string | number | Buffer)[],
): Promise<unknown> {
  const { lua, sha } = scripts[name];
  try {
    return await client.evalsha(sha, keys.length, ...keys, ...args);
  } catch (error) {
    if (!isForgotten(error)) throw error;
    return await client.eval(lua, keys.length, ...keys, ...args);
  }
}

/** {@link runScript} for a reply that contains bytes: texts in it are buffers. */
export async function runScriptForBytes(client: Redis | Cluster, name: ScriptName, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
  const { lua, sha } = scripts[name];
  try {
    return await client.callBuffer('evalsha', sha, keys.length, ...keys, ...args);
  } catch (error) {
    if (!isForgotten(error)) throw error;
    return await client.callBuffer('eval', lua, keys.length, ...keys, ...args);
  }
}

function isForgotten(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT');
}
