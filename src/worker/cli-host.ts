import path from 'node:path';
import { functionMetadata, metadataOf, type AnyFunction } from './metadata.js';
import type { RunOptions } from './runner.js';
import type { WorkerSource } from './types.js';

/** CLI host: `hotqueue worker`, while it loads the files that declare workers and runs them. */
export interface CliHost {
  /** Called when one of the files calls `run`. Resolves when these workers have stopped, as `run` does. */
  runWorkers(workers: WorkerSource, options: RunOptions): Promise<void>;
  /**
   * Called when the files load a second copy of this library. Throws.
   *
   * Each copy knows only the worker metadata that it has recorded. So the command would not find the workers of a second copy.
   *
   * @param folder folder of the package of the second copy
   */
  refuseCopy(folder: string): never;
}

// On the global object: a second copy of the library has no other way to find the command.
const slot: unique symbol = Symbol.for('hotqueue.cli-host') as never;
const shared = globalThis as { [slot]?: CliHost | undefined };

/** The host of this process; `undefined` outside `hotqueue worker`. */
export const cliHost = (): CliHost | undefined => shared[slot];

export function setCliHost(host: CliHost | undefined): void {
  shared[slot] = host;
}

/** The folder of this package. */
export const packageFolder = path.resolve(import.meta.dirname, '../..');

/** `worker`: `run` accepts it as it is. `class`: its instances have workers. */
export function workerKindOf(value: unknown): 'class' | 'worker' | undefined {
  if (typeof value === 'object' && value !== null) return metadataOf(value).size > 0 ? 'worker' : undefined;
  if (typeof value !== 'function') return undefined;
  if (functionMetadata(value)?.kind === 'function') return 'worker';
  const prototype: unknown = (value as AnyFunction).prototype;
  return typeof prototype === 'object' && prototype !== null && metadataOf(prototype).size > 0 ? 'class' : undefined;
}

// The command sets the host after it has loaded its own copy. So a host that exists already belongs to another copy.
cliHost()?.refuseCopy(packageFolder);
