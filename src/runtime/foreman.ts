import { stderrLogger, type Logger } from '../contract/logger.js';
import { handlersOf, type BoundHandler } from './handlers.js';
import { notedOn, notesOf, type AnyFunction } from './notes.js';
import { Crew, type RunOptions, type StartOptions } from './runner.js';
import type { Workers } from './worker-types.js';

/**
 * What `hotqueue worker` asks of a copy of this library. The file that it loads may see another copy than its own: that
 * of its project, where the command is npx's or a global one. Declarations are known only to the copy that took the note.
 */
export interface Copy {
  /** `class`: instances of it have workers; `worker`: may be given to `run` as it is. */
  kindOf(value: unknown): 'class' | 'worker' | undefined;
  handlersOf(workers: Workers): BoundHandler[];
  crewOf(handlers: readonly BoundHandler[], options: StartOptions): Crew;
  /** The logger of a queue that was given none. */
  readonly defaultLogger: Logger;
}

/** Takes workers into service while `hotqueue worker` loads the files that declare them. */
export interface Foreman {
  /** A copy of the library was loaded. */
  meet(copy: Copy): void;
  /** `run` was called in one of the files. Resolves when these workers have stopped, as `run` does. */
  engage(workers: Workers, options: RunOptions, copy: Copy): Promise<void>;
}

// On the global object: what is loaded twice has nothing else in common.
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
