import { toMs, type Duration } from '../duration.js';
import { InvalidOptionError } from '../errors.js';
import {
  messagePlacementSchema,
  placementSchema,
  refuseTwoTimes,
  type PlacementOptions,
  type ResolvedPlacement,
} from './placement.js';
import { describe } from '../shown.js';
import { afterSchema, refuseBesideAfter, type AwaitedJob } from './after.js';
import { aTracking, aUniqueKey, type ResolvedTracking, type TrackOptions, type UniqueKey } from './track.js';
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
   * Wait before the second attempt. It doubles with each attempt, with jitter. Or a list: one wait for each further attempt, without
   * jitter; the last one repeats. Default: the worker's `backoff`, else 1 s.
   */
  backoff?: Duration | readonly Duration[];
  /** Time limit of one attempt in a worker, from 1 ms. Default: the worker's `timeout`, else no limit. */
  timeout?: Duration;
  /**
   * Time in which a worker must take the message, from 1 ms. It starts when the message starts to wait, so a `delay` is not
   * counted. A message that is taken later is buried with the reason `expired`. Default: no limit.
   */
  ttl?: Duration;
  /**
   * Whether Redis keeps a record of the job, with its status and its result; see {@link TrackOptions}. Default: false.
   *
   * @example
   * const job = await pages.with({ track: true }).put(page);
   * console.log(await job.result({ timeout: '30s' }));
   */
  track?: boolean | TrackOptions;
  /**
   * A key, such as `'invoice-17'`, or a function of the payload that returns one: 1 to 256 characters. While a job with this key waits,
   * is delayed or runs, another put with it stores nothing, and resolves to that job, with `isDuplicate: true`. The job is tracked.
   */
  unique?: UniqueKey;
  /** When the `unique` key may be used again: when its job starts, or when it has ended. Default: `'done'`. */
  until?: 'started' | 'done';
  /**
   * If true, the payload of a put replaces that of the job with its `unique` key, as long as that one has not started; and its delay
   * begins anew. Default: false.
   */
  replace?: boolean;
  /**
   * The message waits until these jobs have ended, in any queue of the same Redis. They must be tracked, and so is the message. Its
   * handler reads how they ended with `job.parents()`.
   *
   * @example
   * const [a, b] = await pages.putAll(urls);
   * await merge.with({ after: [a, b] }).put({});
   */
  after?: AwaitedJob | readonly AwaitedJob[];
  /**
   * What happens if a job in `after` fails, expires or is cancelled. `'cancel'`: this one is cancelled, and all that wait for it. `'run'`: it
   * runs when all have ended. Default: `'cancel'`.
   */
  onFailure?: 'cancel' | 'run';
}

/** {@link PutOptions} after validation. */
export interface ResolvedPutOptions extends ResolvedPlacement {
  readonly attempts?: number | undefined;
  readonly backoffMs?: number | undefined;
  readonly timeoutMs?: number | undefined;
  readonly ttlMs?: number | undefined;
  /** Waits before the next attempts; the last one repeats. Instead of `backoffMs`. */
  readonly backoffsMs?: readonly number[] | undefined;
  readonly track?: ResolvedTracking | false | undefined;
  readonly unique?: UniqueKey | undefined;
  readonly until?: 'started' | 'done' | undefined;
  readonly replace?: boolean | undefined;
  /** Jobs for which it waits. */
  readonly after?: readonly AwaitedJob[] | undefined;
  readonly onFailure?: 'cancel' | 'run' | undefined;
}

/** Options of a put that travel with the message and that each delivery of it reads. */
export const deliverySchema: OptionSchema<{
  attempts: number;
  backoff: number | readonly number[];
  timeout: number;
  ttl: number;
}> = {
  attempts: a.whole(1),
  backoff: aBackoff,
  timeout: a.durationFrom(1),
  ttl: a.durationFrom(1),
};

/** Options about the job of a message. */
export const jobSchema: OptionSchema<{
  track: ResolvedTracking | false;
  unique: UniqueKey;
  until: 'started' | 'done';
  replace: boolean;
}> = {
  track: aTracking,
  unique: aUniqueKey,
  until: a.oneOf('started', 'done'),
  replace: a.flag,
};

type CheckedPutOptions = Required<Omit<PutOptions, DurationOption | 'at' | 'backoff' | 'track' | 'after'>> &
  Record<DurationOption | 'at', number> & {
    backoff: number | readonly number[];
    track: ResolvedTracking | false;
    after: readonly AwaitedJob[];
  };
type DurationOption = 'timeout' | 'ttl' | 'delay' | 'uniqueFor';
const putSchema: OptionSchema<CheckedPutOptions> = {
  ...deliverySchema,
  ...placementSchema,
  ...messagePlacementSchema,
  ...jobSchema,
  ...afterSchema,
};

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
  refuseWithoutUnique({ ...defaults, ...present(checked) });
  refuseBesideAfter({ ...defaults, ...present(checked) });
  return { ...defaults, ...(at !== undefined && { delayMs: 0 }), ...resolvedPut(wire, checked) };
}

/** The put options among checked options, of a put or of a queue, in their internal form. */
export function resolvedPut(wire: 'hotqueue' | 'plain', checked: Partial<CheckedPutOptions>): ResolvedPutOptions {
  const { attempts, backoff, timeout, ttl, delay, at, priority, id, uniqueFor, track, unique, until, replace } =
    checked;
  const { after, onFailure } = checked;
  refuseOnPlainWire(wire, { track: track || undefined, unique, after });
  const delivery = deliveryOf(wire, { attempts, backoff, timeout, ttl });
  return present({
    ...delivery,
    delayMs: delay,
    at,
    priority,
    id,
    uniqueForMs: uniqueFor,
    track,
    unique,
    until,
    replace,
    after,
    onFailure,
  });
}

/** Refuses options on a queue with `wire: 'plain'`: bare JSON has no place for them, so they would be lost. */
function deliveryOf(
  wire: 'hotqueue' | 'plain',
  given: Partial<Record<'attempts' | 'timeout' | 'ttl', number | undefined>> & {
    readonly backoff?: number | readonly number[] | undefined;
  },
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
  const { attempts, backoff, timeout: timeoutMs, ttl: ttlMs } = given;
  const backoffs = typeof backoff === 'number' ? { backoffMs: backoff } : { backoffsMs: backoff };
  return { attempts, ...backoffs, timeoutMs, ttlMs };
}

/** @throws InvalidOptionError for options that only matter for unique jobs */
export function refuseWithoutUnique({
  unique,
  until,
  replace,
}: Pick<ResolvedPutOptions, 'unique' | 'until' | 'replace'>): void {
  if (unique !== undefined) return;
  const [option] = Object.keys(present({ until, replace }));
  if (option === undefined) return;
  throw new InvalidOptionError(option, `option ${option} has no effect without unique: set unique too`);
}

/** Refuses options about jobs on a queue with `wire: 'plain'`: a bare message has no room for what they need. */
function refuseOnPlainWire(
  wire: 'hotqueue' | 'plain',
  given: { readonly track?: unknown; readonly unique?: unknown; readonly after?: unknown },
): void {
  const [option] = Object.keys(present(given));
  if (!option || wire !== 'plain') return;
  throw new InvalidOptionError(
    option,
    `option ${option} cannot be used with wire: 'plain': a bare message has no id, so it has no job record. Use wire: 'hotqueue'`,
  );
}

/** A header has 256 characters for all of its options. */
const longestBackoffs = 80;

/** One wait, or a list of waits. */
function aBackoff(value: Duration | readonly Duration[], option: string): number | readonly number[] {
  if (describe(value) !== 'an array') return toMs(value as Duration, option);
  const waits = (value as readonly Duration[]).map((wait, index) => toMs(wait, `${option}[${index}]`));
  if (waits.length === 0) throw new InvalidOptionError(option, `invalid ${option} []: expected at least one duration`);
  if (waits.length === 1) return [waits[0]!, waits[0]!]; // a single number would double with each attempt
  if (waits.join(',').length <= longestBackoffs) return waits;
  throw new InvalidOptionError(
    option,
    `invalid ${option} of ${waits.length} durations: a message has room for ${longestBackoffs} characters of them, in milliseconds. Use fewer, or set backoff on the worker`,
  );
}
