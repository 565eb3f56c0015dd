import type { ClassTransformOptions } from 'class-transformer';
import { NotSerializableError } from '../core/errors.js';
import { nothing } from './json-payload.js';
import { compile, type Accept } from './compiled/compile.js';
import { isPlain } from './json.js';
import { classTransformer } from './class-libraries.js';
import { classSchemaOf, type ClassSchema } from './class-schema.js';
import type { Codec, PayloadSettings } from './codec.js';
import type { Encoded, PayloadClass, PayloadType } from './types.js';
import { toPlain } from './to-plain.js';
import { shapeViolations } from './whitelist.js';
import { brokenRules } from './validate.js';
import { andThen, guard, invalid, invalidAll, typeOf } from './violations.js';

/**
 * Payloads of a class with class-validator rules.
 *
 * `encode` writes the text and then decodes it like a worker. So a worker accepts every message that `encode` accepts,
 * transforms run the same number of times at both ends, and the payload of the job is the one that the handler gets.
 */
export function classPayload<T extends object>(
  cls: PayloadClass<T>,
  codec: Codec,
  { validation = 'compiled' }: PayloadSettings = {},
): PayloadType<T> {
  const schema = classSchemaOf(cls);
  const { name } = schema;
  const verdict = verdictOf(cls, schema);
  // A custom serializer may return objects with getters or other classes. The compiled validation knows plain data only.
  const accept = validation === 'compiled' && codec.kind === 'json' ? compiledLater(cls) : acceptNothing;
  const decode = (text: string): T | Promise<T> =>
    guard(name, () => {
      const plain = codec.read(text, name);
      return accept(plain) ?? verdict(plain);
    });
  const encode = (value: unknown): Encoded<T> | Promise<Encoded<T>> => {
    const { plain, isCopy } = toPlain(schema, dataOf(schema, value), codec.maxDepth);
    const text = codec.write(plain, name);
    // A copy that the codec found to be plain JSON equals the value that reading the text would give, so the text need not
    // be read.
    const payload = isCopy ? accept(plain) : undefined;
    if (payload !== undefined) return { text, payload };
    return andThen(decode(text), (decoded) => ({ text, payload: decoded }));
  };
  return { name, source: cls, decode, encode: (value) => guard(name, () => encode(value), NotSerializableError) };
}

const acceptNothing = (): undefined => undefined;

// Compiles with the first payload: before that, circular imports may be unresolved and rules may be missing.
function compiledLater<T extends object>(cls: PayloadClass<T>): Accept<T> {
  let accept: Accept<T> | undefined;
  return (plain) => (accept ??= compile(cls).accept ?? acceptNothing)(plain);
}

/** Turns data into an instance of a class. Throws InvalidPayloadError, or any error of a constructor, rule or transform. */
export type Verdict<T> = (plain: unknown) => T | Promise<T>;

// With exposeUnsetFields, an absent property with @Expose would lose its default value; one without @Expose keeps it.
const transform: ClassTransformOptions = { exposeUnsetFields: false };

/**
 * Validates data with the rules of a class. Only this function refuses data: compiled/ only accepts, or leaves the decision
 * to it.
 */
export function verdictOf<T extends object>(cls: PayloadClass<T>, schema: ClassSchema): Verdict<T> {
  const { name } = schema;
  return (data) => {
    const plain = rootOf(name, data);
    const misshapen = shapeViolations(schema, plain);
    if (misshapen.length > 0) throw invalidAll(name, misshapen);
    const instance = classTransformer().plainToInstance(cls, plain, transform);
    return andThen(brokenRules(instance), (broken) => {
      if (broken.length > 0) throw invalidAll(name, broken);
      return instance;
    });
  };
}

// Checked before the transform, which would convert an array item by item, and return null for null.
function rootOf(name: string, data: unknown): Record<string, unknown> {
  if (typeof data === 'object' && data !== null && !Array.isArray(data)) return data as Record<string, unknown>;
  throw invalid(name, '', 'type', `must be an object, not ${typeOf(data)}`);
}

function dataOf({ cls, name }: ClassSchema, value: unknown): object {
  if (value === undefined) throw nothing();
  const data = rootOf(name, value);
  if (data instanceof cls || isPlain(data)) return data;
  const made = typeof data.constructor === 'function' ? data.constructor.name : 'a class';
  throw new NotSerializableError('', `an instance of ${made}`, `put an instance of ${name}, or a plain object`);
}
