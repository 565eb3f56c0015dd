import { Readable } from 'node:stream';
import { toMs } from '../core/duration.js';
import { UnreadResultError } from '../core/errors.js';
import { Bury, RetryIn } from '../core/verdicts.js';
import { reasonText } from '../wire/error-record.js';

/** The method `then` of a value that a handler returned; `undefined` if the value is no promise. @throws what a getter throws */
export function thenOf(value: unknown): PromiseLike<unknown>['then'] | undefined {
  if ((typeof value !== 'object' || value === null) && typeof value !== 'function') return undefined;
  const { then } = value as { then?: unknown };
  return typeof then === 'function' ? (then as PromiseLike<unknown>['then']) : undefined;
}

/** A promise for a value with this `then`, which is not read again. */
export function promiseOf(value: unknown, then: PromiseLike<unknown>['then']): Promise<unknown> {
  if (value instanceof Promise && then === Promise.prototype.then) return value;
  return new Promise((resolve, reject) => {
    Reflect.apply(then, value, [resolve, reject]);
  });
}

/** An error if a handler returned work that was not done: a generator or a stream that was not read. Never throws. */
export function unreadError(value: unknown): UnreadResultError | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  try {
    const kind = unreadKind(value as Probe);
    return kind === undefined ? undefined : new UnreadResultError(kind);
  } catch {
    return undefined; // a getter threw: it is no generator and no stream
  }
}

/** What generators and streams have. Compilers make generators as plain objects, so their class says nothing. */
type Probe = Partial<AsyncGenerator & Generator & Readable & ReadableStream>;

function unreadKind(value: Probe): string | undefined {
  if (typeof value.next === 'function') {
    if (typeof value[Symbol.asyncIterator] === 'function') return 'an async generator';
    return typeof value[Symbol.iterator] === 'function' ? 'a generator' : undefined;
  }
  const isReadable = typeof value.pipe === 'function' && value.readableFlowing === null;
  const isWebStream = typeof value.getReader === 'function' && value.locked === false;
  return (isReadable || isWebStream) && !Readable.isDisturbed(value as Readable) ? 'a stream' : undefined;
}

/** What a handler asked for by throwing a verdict, read once: what it threw may answer differently the next time, or throw. */
export type Asked =
  | { readonly verb: 'bury'; readonly reason: string; readonly cause?: unknown }
  | { readonly verb: 'retry'; readonly delayMs: number };

/** Never throws. @returns `undefined` for everything that is no verdict, and for a verdict with values of another form */
export function verdictIn(thrown: unknown): Asked | undefined {
  try {
    if (thrown instanceof Bury) {
      const { reason, cause } = thrown;
      return { verb: 'bury', reason: reasonText(reason), cause };
    }
    return thrown instanceof RetryIn ? { verb: 'retry', delayMs: toMs(thrown.delayMs, 'RetryIn') } : undefined;
  } catch {
    return undefined;
  }
}

/** `instanceof`, for a thrown value that may be a proxy. Never throws. */
export function isA<T>(thrown: unknown, type: abstract new (...args: never[]) => T): thrown is T {
  try {
    return thrown instanceof type;
  } catch {
    return false;
  }
}
