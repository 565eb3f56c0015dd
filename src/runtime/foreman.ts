import { stderrLogger, type Logger } from '../contract/logger.js';
import { handlersOf, type BoundHandler } from './handlers.js';
import { notedOn, notesOf, type AnyFunction } from './notes.js';
import { Crew, type RunOptions, type StartOptions } from './runner.js';
import type { Workers } from './worker-types.js';

/**
 * What `hotqueue worker` needs from a copy of this library.
 *
 * A loaded file may import another copy than the command: that of its project, if the command comes from npx or from a global
 * installation. Only the copy that recorded worker metadata knows it.
 */
export interface Copy {
  /** `class`: its instances have workers. `worker`: `run` accepts it as it is. */
  kindOf(value: unknown): 'class' | 'worker' | undefined;
  handlersOf(workers: Workers): BoundHandler[];
  crewOf(handlers: readonly BoundHandler[], options: StartOptions): Crew;
  /** The logger of a queue without the option `logger`. */
  readonly defaultLogger: Logger;
}

/** CLI host: collects workers while `hotqueue worker` loads the files that declare them. */
export interface Foreman {
  /** Called when a copy of the library was loaded. */
  meet(copy: Copy): void;
  /** Called when one of the files calls `run`. Resolves when these workers have stopped, as `run` does. */
  engage(workers: Workers, options: RunOptions, copy: Copy): Promise<void>;
}

// On the global object: two copies of the library have nothing else in common.
const place: unique symbol = Symbol.for('hotqueue.foreman') as never;
const shared = globalThis as { [place]?: Foreman | undefined };

export const foreman = (): Foreman | undefined => shared[place];

export function setForeman(one: Foreman | undefined): void {
  shared[place] = one;
}

export const thisCopy: Copy = { kindOf, handlersOf, crewOf: (handlers, options) => new Crew(handlers, options), defaultLogger: stderrLogger };

function kindOf(value: unknown): 'class' | 'worker' | undefined {
  if (typeof value === 'object' && value !== null) return notesOf(value).size > 0 ? 'worker' : undefined;
  if (typeof value !== 'function') return undefined;
  if (notedOn(value)?.kind === 'function') return 'worker';
  const prototype: unknown = (value as AnyFunction).prototype;
  return typeof prototype === 'object' && prototype !== null && notesOf(prototype).size > 0 ? 'class' : undefined;
}

foreman()?.meet(thisCopy);
