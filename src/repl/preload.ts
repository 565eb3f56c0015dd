import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as hotqueue from 'hotqueue';
import type { Duration } from 'hotqueue';
import { toMs } from '../core/duration.js';
import { sleep as sleepFor } from '../core/timer.js';
import { ownCopies, ruleDecorators } from '../payload/own-copies.js';
import { Evaluation } from './evaluation.js';
import { importerName } from './script.js';

/** Names that are available at the prompt without an import. */
export function preloaded(q: hotqueue.HotQueue): Record<string, unknown> {
  const { HotQueue, worker, run, start, Delivery, rules, Bury, RetryIn } = hotqueue;
  return {
    ...ruleDecorators(),
    HotQueue,
    worker,
    run,
    start,
    Delivery,
    rules,
    Bury,
    RetryIn,
    sleep,
    q,
    [importerName]: importHere,
  };
}

/** Defines global names. A line can declare them again. */
export function define(names: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(names))
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true, enumerable: false });
}

/** Waits. Ctrl-C ends the wait. @param duration ms, or a text such as `'2s'` */
async function sleep(duration: Duration): Promise<void> {
  const signal = Evaluation.current?.signal;
  signal?.throwIfAborted();
  await sleepFor(toMs(duration, 'sleep()'), signal);
  signal?.throwIfAborted();
}

/**
 * Imports for the prompt, relative to the current folder.
 *
 * Some modules must exist only once in a process: these are taken from this program, not from the folder.
 */
async function importHere(specifier: string): Promise<unknown> {
  if (specifier === 'hotqueue') return hotqueue;
  const own = ownCopies[specifier];
  if (own !== undefined) return own();
  const here = join(process.cwd(), 'prompt.js');
  if (/^\.{0,2}\//.test(specifier)) return import(new URL(specifier, pathToFileURL(here)).href);
  if (/^[a-z]+:/.test(specifier)) return import(specifier);
  return import(pathToFileURL(createRequire(here).resolve(specifier)).href);
}
