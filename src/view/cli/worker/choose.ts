import { InvalidOptionError } from 'hotqueue';
import type { BoundHandler } from '../../../runtime/handlers.js';
import type { StartOptions } from '../../../runtime/runner.js';
import type { WorkerSettings } from './settings.js';

export interface Chosen {
  readonly handlers: readonly BoundHandler[];
  readonly options: StartOptions;
}

/**
 * Which handlers work, in which order, and how many at once.
 *
 * `--queue` is strict unless `--order` says otherwise, as its names were written down in an order. `--concurrency` is for the
 * whole process: more for a handler that was declared with less, and less for all of them together.
 *
 * @param said what the files say themselves, where the command line says nothing
 * @throws InvalidOptionError for a queue that none of them takes from
 */
export function choose(found: readonly BoundHandler[], settings: Pick<WorkerSettings, 'queues' | 'order' | 'concurrency'>, said: StartOptions = {}): Chosen {
  const inOrder = settings.queues ? settings.queues.flatMap((queue) => handlersOn(queue, found)) : found;
  const concurrency = settings.concurrency ?? said.concurrency;
  const handlers = settings.concurrency === undefined ? inOrder : inOrder.map((handler) => withConcurrency(handler, settings.concurrency!));
  const order = settings.order ?? (settings.queues && settings.queues.length > 1 ? 'strict' : said.order);
  const isShared = order !== undefined || (concurrency !== undefined && handlers.length > 1);
  return { handlers, options: isShared ? { order: order ?? 'fair', ...(concurrency !== undefined && { concurrency }) } : {} };
}

function handlersOn(queue: string, found: readonly BoundHandler[]): BoundHandler[] {
  const those = found.filter(({ channel }) => channel.name === queue);
  if (those.length > 0) return those;
  const queues = [...new Set(found.map(({ channel }) => channel.name))];
  throw new InvalidOptionError('queue', `--queue ${queue}: no worker that was found takes from it; they take from ${queues.join(', ')}`);
}

const withConcurrency = (handler: BoundHandler, concurrency: number): BoundHandler => ({ ...handler, options: { ...handler.options, concurrency } });
