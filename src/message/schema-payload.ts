import { NotSerializableError, type Violation } from '../contract/errors.js';
import { nothing } from './any-payload.js';
import type { Codec } from './serializer.js';
import type { Encoded, PayloadType } from './shapes.js';
import type { SchemaIssue, SchemaResult, StandardSchemaV1 } from './standard-schema.js';
import { andThen, guard, invalidAll, pathOf } from './violations.js';

/**
 * Payloads of a Standard Schema: zod, valibot, arktype.
 *
 * The schema's input is what is stored, its output what a handler gets: so its transforms and defaults are applied once,
 * on the way out. `put` puts the stored text to the schema, to be refused there and not by a worker.
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

// The promises of a schema may be of its own making.
function settled<R>(result: R | PromiseLike<R>): R | Promise<R> {
  const then: unknown = (result as Partial<PromiseLike<R>>).then;
  return typeof then === 'function' ? Promise.resolve(result) : (result as R);
}

function outputOf<T>(name: string, result: SchemaResult<T>): T {
  if (!result.issues) return result.value;
  const violations = result.issues.map(violationOf);
  throw invalidAll(name, violations.length > 0 ? violations : [{ path: '', rule: 'schema', message: 'is refused without a reason' }]);
}

const longestMessage = 200;

// Some schemas quote what they were given, so only the beginning of what they say is kept.
function violationOf({ message, path = [] }: SchemaIssue): Violation {
  const keys = path.map((part) => (typeof part === 'object' ? part.key : part));
  return { path: pathOf(keys), rule: 'schema', message: message.length > longestMessage ? `${message.slice(0, longestMessage)}…` : message };
}
