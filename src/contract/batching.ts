import { InvalidOptionError } from './errors.js';
import { a } from './options.js';

/** What a worker or a loop says that takes many messages at once. */
export const batchTable = {
  // More would only be longer in one process's hands: what a crash repeats, and what one failure holds up.
  batch: a.whole(1, 1_000),
  linger: a.duration,
};

/** @throws InvalidOptionError: without `batch` there is nothing to fill */
export function refuseLingerAlone({ batch, linger }: { readonly batch?: number | undefined; readonly linger?: number | undefined }): void {
  if (linger === undefined || batch !== undefined) return;
  throw new InvalidOptionError('linger', 'linger: only a batch waits to be filled; give batch as well, the most messages in one');
}
