import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Cluster, Redis } from 'ioredis';

/** The transitions of a message, in the order of its life. Each is one `.lua` file with one caller, in `broker.ts`. */
export const scriptNames = ['put', 'delay', 'join', 'take', 'beat', 'ack', 'retry', 'bury', 'release', 'leave', 'recover', 'promote', 'move', 'cancel', 'revive', 'drop', 'sweep', 'clear'] as const;
export type ScriptName = (typeof scriptNames)[number];

interface Script {
  readonly lua: string;
  readonly sha: string;
}

const scripts = Object.fromEntries(scriptNames.map((name) => [name, load(name)])) as Record<ScriptName, Script>;

function load(name: ScriptName): Script {
  const lua = readFileSync(new URL(`./scripts/${name}.lua`, import.meta.url), 'utf8');
  return { lua, sha: createHash('sha1').update(lua).digest('hex') };
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
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
    return await client.eval(lua, keys.length, ...keys, ...args);
  }
}
