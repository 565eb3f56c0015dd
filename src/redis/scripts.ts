import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/**
 * The transitions of messages and workers, in the order of their life. Each is one `.lua` file. One method calls it: in `broker.ts`,
 * `registration.ts` (workers), `job-broker.ts`, `schedule-broker.ts` or `flow-broker.ts`. `script-calls.ts` has the arguments of those that another thread may send.
 */
export const transitions = [
  'put',
  'put-with',
  'put-flow',
  'join',
  'take',
  'take-tracked',
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
type Scripts = Readonly<Record<ScriptName, Script>>;

/** A function of the library with the comment above it. */
interface LibraryFunction {
  readonly lua: string;
  readonly isNamedIn: (script: string) => boolean;
}

/** Stands before the script of a queue with a history; see `_history.lua`. */
const historyTable = 'local history = {key = table.remove(KEYS), terms = table.remove(ARGV, 1)}\n';
const libraries = new Map<boolean, LibraryFunction[]>();

/** The text of all scripts with the functions that they use. */
export const scripts: Scripts = Object.fromEntries(
  scriptNames.map((name) => [name, scriptOf(withLibrary(sourceOf(name)))]),
) as Scripts;

let ofHistory: Scripts | undefined;
/**
 * The scripts for a queue with a history: they also have the lines that begin with `--@`. The key of the history is the last of their
 * KEYS, and its terms are the first of their ARGV.
 */
export function scriptsWithHistory(): Scripts {
  return (ofHistory ??= Object.fromEntries(
    scriptNames.map((name) => [name, scriptOf(withLibrary(sourceOf(name), true))]),
  ) as Scripts);
}

/**
 * Puts before a script the functions of the library that it names. Lua in Redis has no modules, and a call of a script makes each
 * of its functions anew, so a script gets no others.
 */
export function withLibrary(script: string, hasHistory = false): string {
  const own = version(script, hasHistory);
  const library = libraryOf(hasHistory);
  const chosen = new Set<LibraryFunction>();
  let text = own;
  // Until no function is added: each may name others.
  for (let size = -1; size < chosen.size;) {
    size = chosen.size;
    for (const one of library) {
      if (chosen.has(one) || !one.isNamedIn(text)) continue;
      chosen.add(one);
      text += one.lua;
    }
  }
  const functions = library.filter((one) => chosen.has(one)).map(({ lua }) => lua);
  return [...(hasHistory ? [historyTable] : []), ...functions, own].join('');
}

/** The functions of `_lib.lua`, `_jobs.lua`, `_flows.lua`, `_metrics.lua` and `_history.lua` in their order. */
function libraryOf(hasHistory: boolean): LibraryFunction[] {
  const known = libraries.get(hasHistory);
  if (known) return known;
  const text = ['_lib.lua', '_jobs.lua', '_flows.lua', '_metrics.lua', ...(hasHistory ? ['_history.lua'] : [])]
    .map(textOf)
    .join('');
  const library = [...version(text, hasHistory).matchAll(/^(?:--.*\n)*(?:local )?function ([\w.]+)[^]*?^end\n/gm)].map(
    ([lua, name]) => {
      const named = new RegExp(`\\b${name!.replace('.', '\\.')}\\(`);
      return { lua, isNamedIn: (script: string) => named.test(script) };
    },
  );
  libraries.set(hasHistory, library);
  return library;
}

/** A text without its lines that begin with `--@`; with these lines as code for a queue with a history. */
function version(lua: string, hasHistory: boolean): string {
  return hasHistory ? lua.replaceAll(/^( *)--@ /gm, '$1') : lua.replaceAll(/^ *--@ .*\n/gm, '');
}

/** The text of a script in its file. `take-tracked` is `take` with the lines that begin with `--+`: a queue without jobs does not pay for them. */
export function sourceOf(name: ScriptName): string {
  if (name === 'take-tracked')
    return textOf('take.lua')
      .replace('take:', `${name}:`)
      .replaceAll(/^( *)--\+ /gm, '$1');
  return textOf(`${name}.lua`).replaceAll(/^ *--\+ .*\n/gm, '');
}

function scriptOf(lua: string): Script {
  return { lua, sha: createHash('sha1').update(lua).digest('hex') };
}

function textOf(file: string): string {
  return readFileSync(new URL(`./scripts/${file}`, import.meta.url), 'utf8');
}

/** Whether the error says that the server does not know a script by its hash. This follows a restart, flush or failover. */
export function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT');
}
