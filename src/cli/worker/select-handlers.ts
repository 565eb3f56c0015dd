import { InvalidOptionError, type StartOptions } from 'hotqueue';
import type { BoundHandler } from '../../worker/handlers.js';
import type { WorkerSettings } from './settings.js';

export interface SelectedHandlers {
  readonly handlers: readonly BoundHandler[];
  readonly options: StartOptions;
}

/**
 * Selects the handlers, their order and their concurrency.
 *
 * With several names in `--queue`, the order is strict unless `--order` is given, because the names have an order.
 * `--concurrency` is the limit of the whole process. It is also the concurrency of each handler, in place of its own.
 *
 * @param fromFiles options that the files passed to `run`; those of the command line take precedence
 * @throws InvalidOptionError for a queue that no handler takes from
 */
export function selectHandlers(
  found: readonly BoundHandler[],
  settings: Pick<WorkerSettings, 'queues' | 'order' | 'concurrency'>,
  fromFiles: StartOptions = {},
): SelectedHandlers {
  const inOrder = settings.queues ? settings.queues.flatMap((queue) => handlersOn(queue, found)) : found;
  const concurrency = settings.concurrency ?? fromFiles.concurrency;
  const handlers =
    settings.concurrency === undefined
      ? inOrder
      : inOrder.map((handler) => withConcurrency(handler, settings.concurrency!));
  const order = settings.order ?? (settings.queues && settings.queues.length > 1 ? 'strict' : fromFiles.order);
  const isShared = order !== undefined || (concurrency !== undefined && handlers.length > 1);
  return {
    handlers,
    options: isShared ? { order: order ?? 'fair', ...(concurrency !== undefined && { concurrency }) } : {},
  };
}

function handlersOn(queue: string, found: readonly BoundHandler[]): BoundHandler[] {
  const handlers = found.filter(({ context }) => context.name === queue);
  if (handlers.length > 0) return handlers;
  const queues = [...new Set(found.map(({ context }) => context.name))];
  throw new InvalidOptionError(
    'queue',
    `invalid --queue ${queue}: no worker in the files takes from it; they take from ${queues.join(', ')}`,
  );
}

const withConcurrency = (handler: BoundHandler, concurrency: number): BoundHandler => ({
  ...handler,
  options: { ...handler.options, concurrency },
});
