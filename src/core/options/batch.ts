import type { Duration } from '../duration.js';
import { InvalidOptionError } from '../errors.js';
import { a } from './schema.js';

/** Options of a worker or a loop that takes many messages at once. */
export const batchSchema = {
  // A larger batch is active in one process for longer. A crash would then repeat more messages, and one failure would delay
  // more.
  batch: a.whole(1, 1_000),
  linger: a.duration,
};

/** @throws InvalidOptionError if `linger` is given without `batch`: it would have no effect */
export function refuseLingerAlone({
  batch,
  linger,
}: {
  readonly batch?: number | undefined;
  readonly linger?: number | undefined;
}): void {
  if (linger === undefined || batch !== undefined) return;
  throw new InvalidOptionError(
    'linger',
    'option linger has no effect without batch: set batch, the maximum number of messages in one batch, or remove linger',
  );
}

/** Marks what is refused. Nothing is assignable to it, so the compiler prints the reason. */
export interface Refused<Reason extends string> {
  readonly ' ': Reason;
}

/** Type of `linger`. `B` is `number` if `batch` is set. */
export type LingerOf<B> = [B] extends [number] ? Duration : Refused<'linger needs the option batch'>;
