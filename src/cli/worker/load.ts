import { statSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import { HotQueueError } from 'hotqueue';
import { WorkerFileError } from '../errors.js';
import { decoratorAdvice } from './decorator-settings.js';
import { nearby } from './nearby.js';

export type Exports = Readonly<Record<string, unknown>>;

/** Matches the arguments of Node that load a TypeScript runner. */
const loaders = /oxc-node|swc-node|ts-node|tsx|jiti|esbuild|babel/;

/** @throws WorkerFileError if the file does not exist, or is a folder */
export function assertFile(file: string): void {
  const found = statSync(file, { throwIfNoEntry: false });
  if (!found) throw new WorkerFileError(nearby(file), 'file not found');
  if (found.isDirectory())
    throw new WorkerFileError(
      nearby(file),
      `this is a folder: give the files in it, such as ${path.join(nearby(file), '*.ts')}`,
    );
}

/**
 * Loads a module of the user.
 *
 * @param hasRun resolves when the module calls `run`. A module that awaits `run` is not evaluated further until its workers stop
 * @param onLoading called with a promise that resolves when the whole module has been evaluated
 * @returns its exports; an empty object if it waits in `run`
 * @throws WorkerFileError with the stack of the error that the module threw
 */
export async function load(
  file: string,
  hasRun: Promise<void>,
  onLoading: (evaluated: Promise<Exports>) => void = () => {},
): Promise<Exports> {
  if (/\.[mc]?tsx?$/.test(file)) await prepareTypeScript(file);
  const evaluated = evaluate(file);
  evaluated.catch(() => undefined); // the error is handled by the code that awaits it, perhaps much later
  onLoading(evaluated);
  return Promise.race([evaluated, hasRun.then(() => ({}))]);
}

async function evaluate(file: string): Promise<Exports> {
  try {
    return (await import(pathToFileURL(file).href)) as Exports;
  } catch (error) {
    if (error instanceof WorkerFileError) throw error; // it imports a second copy of the library
    const advice = await decoratorAdvice(error);
    if (advice !== undefined) throw new WorkerFileError(nearby(file), advice, { cause: error });
    throw new WorkerFileError(nearby(file), `it threw an error while it was loaded: ${errorWithStack(error)}`, {
      cause: error,
    });
  }
}

/** The message of an error of this library; for any other error also the stack, which shows the place in the user's files. */
export function errorWithStack(error: unknown): string {
  return error instanceof HotQueueError ? error.message : inspect(error);
}

/** Loads a TypeScript runner into Node, unless Node was started with one. */
async function prepareTypeScript(file: string): Promise<void> {
  if (loaders.test([...process.execArgv, process.env['NODE_OPTIONS'] ?? ''].join(' '))) return;
  const found = [path.join(process.cwd(), 'package.json'), import.meta.filename]
    .map(oxcFrom)
    .find((register) => register !== undefined);
  if (found === undefined) {
    throw new WorkerFileError(
      nearby(file),
      'Node cannot run decorated TypeScript, and the runner @oxc-node/core is not installed: run "npm install --save-dev @oxc-node/core", ' +
        'or use another runner (NODE_OPTIONS="--import tsx" hotqueue worker …), or give the compiled .js file',
    );
  }
  await import(pathToFileURL(found).href);
}

/** Path of `register.mjs` in the copy that a file would import. `require.resolve` cannot find `./register`: only `import` can. */
function oxcFrom(file: string): string | undefined {
  try {
    return path.join(path.dirname(createRequire(file).resolve('@oxc-node/core')), 'register.mjs');
  } catch {
    return undefined;
  }
}
