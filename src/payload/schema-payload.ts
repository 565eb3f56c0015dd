import { isDeepStrictEqual } from 'node:util';
import { NotSerializableError, type Violation } from '../core/errors.js';
import { nothing } from './json-payload.js';
import { isFlawless, type Codec } from './codec.js';
import { isPlain } from './json.js';
import type { Encoded, PayloadType } from './types.js';
import type { SchemaIssue, SchemaResult, StandardSchemaV1 } from './standard-schema.js';
import { andThen, guard, invalidAll, pathOf } from './violations.js';

/**
 * Payloads of a Standard Schema, such as one of zod, valibot or arktype.
 *
 * Redis stores the input of the schema, and the handler gets its output. `encode` validates the stored text too, so that
 * `put` refuses an invalid message and not a worker. It adds the default values of the output to the stored input: otherwise
 * each attempt would make them again, and a random default would differ each time.
 */
export function schemaPayload<T>(schema: StandardSchemaV1<unknown, T>, codec: Codec): PayloadType<T> {
  const { vendor, validate } = schema['~standard'];
  const name = `${vendor} schema`;
  const decode = (text: string): T | Promise<T> =>
    guard(name, () => andThen(settled(validate(codec.read(text, name))), (result) => outputOf(name, result)));
  const encode = (value: unknown): Encoded<T> | Promise<Encoded<T>> => {
    if (value === undefined) throw nothing();
    const text = codec.write(value, name);
    return andThen(decode(text), (payload) => {
      const whole = codec.kind === 'json' ? withDefaults(value, payload, codec.maxDepth) : value;
      if (whole === value) return { text, payload };
      const encoded = { text: codec.write(whole, name), payload };
      return andThen(
        same(() => decode(encoded.text), payload),
        (isSame) => (isSame ? encoded : { text, payload }),
      );
    });
  };
  return { name, source: schema, decode, encode: (value) => guard(name, () => encode(value), NotSerializableError) };
}

/** Whether a stored text gives this payload again. False too if the schema refuses it. */
function same<T>(decode: () => T | Promise<T>, payload: T): boolean | Promise<boolean> {
  const isEqual = (decoded: T): boolean => isDeepStrictEqual(decoded, payload);
  try {
    const decoded = decode();
    return decoded instanceof Promise ? decoded.then(isEqual, () => false) : isEqual(decoded);
  } catch {
    return false;
  }
}

/**
 * The input of a schema with what its output has besides, at all levels. The input itself if that is nothing that JSON can
 * carry.
 */
function withDefaults(input: unknown, output: unknown, depth: number): unknown {
  if (typeof input !== 'object' || input === null || typeof output !== 'object' || output === null) return input;
  if (Array.isArray(input)) {
    if (!Array.isArray(output) || output.length !== input.length) return input;
    const items = input.map((item, index) => withDefaults(item, output[index], depth - 1));
    return items.every((item, index) => item === input[index]) ? input : items;
  }
  if (!isPlain(output)) return input;
  const given = input as Record<string, unknown>;
  let whole = given;
  for (const [key, value] of Object.entries(output)) {
    const item = given[key] === undefined ? stored(value, depth - 1) : withDefaults(given[key], value, depth - 1);
    if (item !== given[key]) whole = { ...whole, [key]: item };
  }
  return whole;
}

function stored(value: unknown, depth: number): unknown {
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value.toISOString();
  return isFlawless(value, depth) ? value : undefined;
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
