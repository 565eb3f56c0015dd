import { NotSerializableError, type Violation } from '../core/errors.js';
import { nothing } from './json-payload.js';
import type { Codec } from './codec.js';
import type { Encoded, PayloadType } from './types.js';
import type { SchemaIssue, SchemaResult, StandardSchemaV1 } from './standard-schema.js';
import { andThen, guard, invalidAll, pathOf } from './violations.js';

/**
 * Payloads of a Standard Schema, such as one of zod, valibot or arktype.
 *
 * Redis stores the input of the schema, and the handler gets its output. So transforms and defaults are applied once, when a
 * worker takes the message. `encode` validates the stored text too, so that `put` refuses an invalid message and not a
 * worker.
 */
export function schemaPayload<T>(schema: StandardSchemaV1<unknown, T>, codec: Codec): PayloadType<T> {
  const { vendor, validate } = schema['~standard'];
  const name = `${vendor} schema`;
  const decode = (text: string): T | Promise<T> =>
    guard(name, () => andThen(settled(validate(codec.read(text, name))), (result) => outputOf(name, result)));
  const encode = (value: unknown): Encoded<T> | Promise<Encoded<T>> => {
    if (value === undefined) throw nothing();
    const text = codec.write(value, name);
    return andThen(decode(text), (payload) => ({ text, payload }));
  };
  return { name, source: schema, decode, encode: (value) => guard(name, () => encode(value), NotSerializableError) };
}

// A schema may return a thenable that is not a Promise. `guard` and `andThen` only recognise promises.
function settled<R>(result: R | PromiseLike<R>): R | Promise<R> {
  const then: unknown = (result as Partial<PromiseLike<R>>).then;
  return typeof then === 'function' ? Promise.resolve(result) : (result as R);
}

function outputOf<T>(name: string, result: SchemaResult<T>): T {
  if (!result.issues) return result.value;
  const violations = result.issues.map(violationOf);
  throw invalidAll(
    name,
    violations.length > 0
      ? violations
      : [{ path: '', rule: 'schema', message: 'is invalid, the schema gives no reason' }],
  );
}

const longestMessage = 200;

// Some schemas quote the payload in their message. Cutting the message limits how much of it gets into logs.
function violationOf({ message, path = [] }: SchemaIssue): Violation {
  const keys = path.map((part) => (typeof part === 'object' ? part.key : part));
  return {
    path: pathOf(keys),
    rule: 'schema',
    message: message.length > longestMessage ? `${message.slice(0, longestMessage)}…` : message,
  };
}
