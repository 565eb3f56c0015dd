import type { Duration } from '../duration.js';
import { InvalidOptionError } from '../errors.js';
import {
  messagePlacementSchema,
  placementSchema,
  refuseTwoTimes,
  type PlacementOptions,
  type ResolvedPlacement,
} from './placement.js';
import { a, checkOptions, present, type OptionSchema } from './schema.js';

/**
 * Options of one put, given to `queue.with(options)`. An option that is absent has the value of the queue, if the queue sets
 * it.
 *
 * @example
 * await queue.with({ attempts: 5, backoff: '2s', delay: '10m' }).put(message);
 */
export interface PutOptions extends PlacementOptions {
  /** Maximum number of attempts, the first included: from 1 to 1,000,000. Default: the worker's `attempts`, else 3. */
  attempts?: number;
  /**
   * Wait before the second attempt. It doubles with each attempt, with jitter. Default: the worker's `backoff`, else 1 s.
   */
  backoff?: Duration;
  /** Time limit of one attempt in a worker, from 1 ms. Default: the worker's `timeout`, else no limit. */
  timeout?: Duration;
  /**
   * Time in which a worker must take the message, from 1 ms. It starts when the message starts to wait, so a `delay` is not
   * counted. A message that is taken later is buried with the reason `expired`. Default: no limit.
   */
  ttl?: Duration;
}

/** {@link PutOptions} after validation. */
export interface ResolvedPutOptions extends ResolvedPlacement {
  readonly attempts?: number | undefined;
  readonly backoffMs?: number | undefined;
  readonly timeoutMs?: number | undefined;
  readonly ttlMs?: number | undefined;
}

/** Options of a put that travel with the message and that each delivery of it reads. */
export const deliverySchema: OptionSchema<{ attempts: number; backoff: number; timeout: number; ttl: number }> = {
  attempts: a.whole(1),
  backoff: a.duration,
  timeout: a.durationFrom(1),
  ttl: a.durationFrom(1),
};

type CheckedPutOptions = Required<Omit<PutOptions, DurationOption | 'at'>> & Record<DurationOption | 'at', number>;
type DurationOption = 'backoff' | 'timeout' | 'ttl' | 'delay' | 'uniqueFor';
const putSchema: OptionSchema<CheckedPutOptions> = { ...deliverySchema, ...placementSchema, ...messagePlacementSchema };

/** Names of the options of `with`. */
export const putOptionNames: ReadonlySet<string> = new Set(Object.keys(putSchema));

/** @param defaults options of the queue, for options that are absent */
export function putOptions(
  name: string,
  wire: 'hotqueue' | 'plain',
  given: unknown,
  defaults: ResolvedPutOptions = {},
): ResolvedPutOptions {
  const checked = checkOptions(`with() on queue "${name}"`, given, putSchema);
  const { at, id, uniqueFor } = checked;
  refuseTwoTimes(checked.delay, checked.at);
  if (id !== undefined && wire === 'plain') {
    throw new InvalidOptionError(
      'id',
      "option id has no effect with wire: 'plain': messages carry no id, so workers would see another one. Put the id into the payload",
    );
  }
  if (uniqueFor !== undefined && id === undefined)
    throw new InvalidOptionError(
      'uniqueFor',
      'option uniqueFor has no effect without id: Redis only remembers ids that you set. Set id too',
    );
  return { ...defaults, ...(at !== undefined && { delayMs: 0 }), ...resolvedPut(wire, checked) };
}

/** The put options among checked options, of a put or of a queue, in their internal form. */
export function resolvedPut(wire: 'hotqueue' | 'plain', checked: Partial<CheckedPutOptions>): ResolvedPutOptions {
  const { attempts, backoff, timeout, ttl, delay, at, priority, id, uniqueFor } = checked;
  const delivery = deliveryOf(wire, { attempts, backoff, timeout, ttl });
  return present({ ...delivery, delayMs: delay, at, priority, id, uniqueForMs: uniqueFor });
}

/** Refuses options on a queue with `wire: 'plain'`: bare JSON has no place for them, so they would be lost. */
function deliveryOf(
  wire: 'hotqueue' | 'plain',
  given: Partial<Record<'attempts' | 'backoff' | 'timeout' | 'ttl', number | undefined>>,
): ResolvedPutOptions {
  const [option] = Object.keys(present(given));
  if (option && wire === 'plain' && option === 'ttl') {
    throw new InvalidOptionError(
      option,
      "option ttl has no effect with wire: 'plain': messages carry no options. Put the time into the payload",
    );
  }
  if (option && wire === 'plain') {
    throw new InvalidOptionError(
      option,
      `option ${option} has no effect with wire: 'plain': messages carry no options. Set it on @worker instead`,
    );
  }
  return { attempts: given.attempts, backoffMs: given.backoff, timeoutMs: given.timeout, ttlMs: given.ttl };
}
