import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/**
 * The transitions of messages and workers, in the order of their life. Each is one `.lua` file. One method calls it: in `broker.ts`, or in
 * `registration.ts` if it is about a worker. `script-calls.ts` has the arguments of those that another thread may send.
 */
export const transitions = [
  'put',
  'put-with',
  'join',
  'take',
  'begin',
  'note',
  'bury-large',
  'beat',
  'ack',
  'settle',
  'retry',
  'bury',
  'release',
  'give-back',
  'leave',
  'recover',
  'uncount-crash',
  'promote',
  'move',
  'cancel',
  'revive',
  'drop',
  'sweep',
  'clear',
  'remove',
  'cancel-job',
  'mend-job',
  'revive-jobs',
  'clear-jobs',
  'block',
  'add-child',
  'parent-ended',
  'save-schedule',
  'fire',
  'remove-schedule',
] as const;
/** All scripts: the transitions, and those that only read. */
export const scriptNames = [...transitions, 'count', 'ends', 'overview', 'peek', 'entries'] as const;
export type ScriptName = (typeof scriptNames)[number];

interface Script {
  readonly lua: string;
  readonly sha: string;
}

/** The functions of `_lib.lua`, `_jobs.lua` and `_metrics.lua` in their order, each with the comment above it. */
const library = [
  ...(textOf('_lib.lua') + textOf('_jobs.lua') + textOf('_metrics.lua')).matchAll(
    /^(?:--.*\n)*local function (\w+)[^]*?^end\n/gm,
  ),
].map(([lua, name]) => ({
  lua,
  isNamedIn: (script: string): boolean => new RegExp(`\\b${name}\\(`).test(script),
}));

/** The text of all scripts with the functions that they use. */
export const scripts = Object.fromEntries(
  scriptNames.map((name) => {
    const lua = withLibrary(textOf(`${name}.lua`));
    return [name, { lua, sha: createHash('sha1').update(lua).digest('hex') }];
  }),
) as Record<ScriptName, Script>;

/**
 * Puts before a script the functions of `_lib.lua` that it names. Lua in Redis has no modules, and a call of a script makes each
 * of its functions anew, so a script gets no others.
 */
export function withLibrary(script: string): string {
  // From the last to the first, because a function may use the functions above it.
  return library.reduceRight((text, { lua, isNamedIn }) => (isNamedIn(text) ? lua + text : text), script);
}

function textOf(file: string): string {
  return readFileSync(new URL(`./scripts/${file}`, import.meta.url), 'utf8');
}

/** Whether the error says that the server does not know a script by its hash. This follows a restart, flush or failover. */
export function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT');
}
