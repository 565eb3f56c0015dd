import { statSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import { HotQueueError, WorkerFileError } from 'hotqueue';

export type Exports = Readonly<Record<string, unknown>>;

/** Runners of TypeScript, as they stand in the arguments of Node. */
const loaders = /oxc-node|swc-node|ts-node|tsx|jiti|esbuild|babel/;

/** @throws WorkerFileError for what is not there, or is a folder */
export function assertFile(file: string): void {
  const found = statSync(file, { throwIfNoEntry: false });
  if (!found) throw new WorkerFileError(nearby(file), 'there is no such file');
  if (found.isDirectory()) throw new WorkerFileError(nearby(file), `it is a folder: name files in it, such as ${path.join(nearby(file), '*.ts')}`);
}

/**
 * Loads a module of the user's.
 *
 * @param engaged resolves when the module calls `run`: one that awaits it is evaluated no further until its workers stop
 * @param onLoading given what resolves when all of it has been evaluated
 * @returns what it exports; nothing when it waits in `run`
 * @throws WorkerFileError with the stack of whatever it threw
 */
export async function load(file: string, engaged: Promise<void>, onLoading: (evaluated: Promise<Exports>) => void = () => {}): Promise<Exports> {
  if (/\.[mc]?tsx?$/.test(file)) await prepareTypeScript(file);
  const evaluated = evaluate(file);
  evaluated.catch(() => undefined); // told to whoever waits for it, perhaps much later
  onLoading(evaluated);
  return Promise.race([evaluated, engaged.then(() => ({}))]);
}

async function evaluate(file: string): Promise<Exports> {
  try {
    return (await import(pathToFileURL(file).href)) as Exports;
  } catch (error) {
    throw new WorkerFileError(nearby(file), `it threw while it was loaded: ${told(error)}`, { cause: error });
  }
}

/** What we throw on purpose says enough; for anything else the stack shows where in the user's files it was. */
export function told(error: unknown): string {
  return error instanceof HotQueueError ? error.message : inspect(error);
}

/** The path as a person would type it here. */
export function nearby(file: string): string {
  const way = path.relative('.', file);
  return way.startsWith('..') ? file : way;
}

/** Has Node understand decorated TypeScript, unless it was started with something that does. */
async function prepareTypeScript(file: string): Promise<void> {
  if (loaders.test([...process.execArgv, process.env['NODE_OPTIONS'] ?? ''].join(' '))) return;
  const found = [path.join(process.cwd(), 'package.json'), import.meta.filename].map(oxcFrom).find((one) => one !== undefined);
  if (found === undefined) {
    throw new WorkerFileError(
      nearby(file),
      'Node cannot run decorated TypeScript, and @oxc-node/core, which teaches it that, is not installed: "npm install --save-dev @oxc-node/core" ' +
        'here, or start it with a runner of your own, NODE_OPTIONS="--import tsx" hotqueue worker …, or give the compiled .js file',
    );
  }
  await import(pathToFileURL(found).href);
}

/** `register.mjs` of the copy that a file sees. `./register` itself is for `import` only, which cannot be asked from another place. */
function oxcFrom(file: string): string | undefined {
  try {
    return path.join(path.dirname(createRequire(file).resolve('@oxc-node/core')), 'register.mjs');
  } catch {
    return undefined;
  }
}
