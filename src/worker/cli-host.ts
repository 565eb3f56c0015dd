import { stderrLogger, type Logger } from '../core/logger.js';
import { handlersOf, type BoundHandler } from './handlers.js';
import { functionMetadata, metadataOf, type AnyFunction } from './metadata.js';
import { WorkerRunner, type RunOptions, type StartOptions } from './runner.js';
import type { WorkerSource } from './types.js';

/**
 * What `hotqueue worker` needs from a copy of this library.
 *
 * A loaded file may import another copy than the command: that of its project, if the command comes from npx or from a global
 * installation. Only the copy that recorded worker metadata knows it.
 */
export interface LibraryCopy {
  /** `class`: its instances have workers. `worker`: `run` accepts it as it is. */
  kindOf(value: unknown): 'class' | 'worker' | undefined;
  handlersOf(workers: WorkerSource): BoundHandler[];
  runnerOf(handlers: readonly BoundHandler[], options: StartOptions): WorkerRunner;
  /** The logger of a queue without the option `logger`. */
  readonly defaultLogger: Logger;
}

/** CLI host: collects workers while `hotqueue worker` loads the files that declare them. */
export interface CliHost {
  /** Called when a copy of the library was loaded. */
  addCopy(copy: LibraryCopy): void;
  /** Called when one of the files calls `run`. Resolves when these workers have stopped, as `run` does. */
  runWorkers(workers: WorkerSource, options: RunOptions, copy: LibraryCopy): Promise<void>;
}

// On the global object: two copies of the library have nothing else in common.
const place: unique symbol = Symbol.for('hotqueue.foreman') as never;
const shared = globalThis as { [place]?: CliHost | undefined };

export const cliHost = (): CliHost | undefined => shared[place];

export function setCliHost(one: CliHost | undefined): void {
  shared[place] = one;
}

export const thisCopy: LibraryCopy = {
  kindOf,
  handlersOf,
  runnerOf: (handlers, options) => new WorkerRunner(handlers, options),
  defaultLogger: stderrLogger,
};

function kindOf(value: unknown): 'class' | 'worker' | undefined {
  if (typeof value === 'object' && value !== null) return metadataOf(value).size > 0 ? 'worker' : undefined;
  if (typeof value !== 'function') return undefined;
  if (functionMetadata(value)?.kind === 'function') return 'worker';
  const prototype: unknown = (value as AnyFunction).prototype;
  return typeof prototype === 'object' && prototype !== null && metadataOf(prototype).size > 0 ? 'class' : undefined;
}

cliHost()?.addCopy(thisCopy);
