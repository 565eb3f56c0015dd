import { NotSerializableError } from '../core/errors.js';
import { nothing } from './json-payload.js';
import { compile, type Compiled } from './compiled/compile.js';
import { isPlain } from './json.js';
import { classTransformer } from './class-libraries.js';
import { classSchemaOf, type ClassSchema } from './class-schema.js';
import type { Codec, PayloadSettings } from './codec.js';
import { addDefaults } from './defaults.js';
import type { Encoded, PayloadClass, PayloadType } from './types.js';
import { toPlain } from './to-plain.js';
import { shapeViolations } from './whitelist.js';
import { brokenRules } from './validate.js';
import { validationOf, type Validation } from './validation.js';
import { andThen, fail, invalid, invalidAll, typeOf } from './violations.js';

/**
 * Payloads of a class with class-validator rules.
 *
 * `encode` writes the text, decodes it like a worker, and adds the default values that this gave. So a worker accepts every
 * message that `encode` accepts, and the payload of the job is the one that the handler gets at each attempt.
 */
export function classPayload<T extends object>(
  cls: PayloadClass<T>,
  codec: Codec,
  settings: PayloadSettings = {},
): PayloadType<T> {
  const validation = validationOf(settings);
  const schema = classSchemaOf(cls, validation.groups);
  const { name } = schema;
  const verdict = verdictOf(cls, schema, validation);
  const isStraight = isStoredAsIs(schema);
  // Compiled with the first payload: before that, circular imports may be unresolved and rules may be missing.
  let compiled: ForPayloads<T> | undefined;
  const decode = (text: string): T | Promise<T> => {
    try {
      const { accept, instantiate, mayChangeData } = (compiled ??= compiledFor(cls, codec, settings, validation));
      const plain = codec.read(text, name);
      const payload = accept?.(plain) ?? verdict(accept && mayChangeData ? codec.read(text, name) : plain, instantiate);
      return payload instanceof Promise ? payload.catch((cause: unknown) => fail(name, cause)) : payload;
    } catch (cause) {
      return fail(name, cause);
    }
  };
  const encode = (value: unknown): Encoded<T> | Promise<Encoded<T>> => {
    try {
      const encoded = written(dataOf(schema, value));
      const failed = (cause: unknown): never => fail(name, cause, NotSerializableError);
      return encoded instanceof Promise ? encoded.catch(failed) : encoded;
    } catch (cause) {
      return fail(name, cause, NotSerializableError);
    }
  };
  const written = (data: object): Encoded<T> | Promise<Encoded<T>> => {
    const flat = isStraight ? flatCopy(schema, data) : undefined;
    const { plain, isCopy } = flat
      ? { plain: flat, isCopy: true }
      : toPlain(schema, data, codec.maxDepth, validation.stripsUnknownKeys);
    const text = codec.write(plain, name);
    const { accept, mayChangeData } = (compiled ??= compiledFor(cls, codec, settings, validation));
    // A copy that the codec found to be plain JSON equals the value that reading the text would give, so the text need not
    // be read.
    const payload = (isCopy && !mayChangeData ? accept?.(plain) : undefined) ?? decode(text);
    if (flat && !(payload instanceof Promise)) return { text, payload };
    return andThen(payload, (decoded) => withDefaults(plain, isCopy, text, decoded));
  };
  const withDefaults = (
    plain: Record<string, unknown>,
    isCopy: boolean,
    text: string,
    payload: T,
  ): Encoded<T> | Promise<Encoded<T>> => {
    const added = addDefaults(schema, plain, payload, { validation, maxDepth: codec.maxDepth });
    if (added === 'nothing') return { text, payload };
    const whole = codec.write(plain, name);
    // Getters of the caller, in a value that was not copied, may have written something else this time.
    if (added === 'scalars' && isCopy) return { text: whole, payload };
    return andThen(decode(whole), (decoded) => ({ text: whole, payload: decoded }));
  };
  return {
    name,
    source: cls,
    groups: validation.groups,
    decode,
    notCompiled: () => (compiled ??= compiledFor(cls, codec, settings, validation)).notCompiled,
    encode,
  };
}

type ForPayloads<T> = Omit<Compiled<T>, 'declined'>;

/** The compiled validation of a class for one queue. It accepts nothing if the queue does not want it, or cannot have it. */
function compiledFor<T extends object>(
  cls: PayloadClass<T>,
  codec: Codec,
  { validation: by = 'compiled', onNotCompiled }: PayloadSettings,
  validation: Validation,
): ForPayloads<T> {
  const none = { accept: undefined, instantiate: () => undefined, mayChangeData: false };
  if (by !== 'compiled') return { ...none, notCompiled: [] };
  // A custom serializer may return objects with getters or other classes. The compiled validation knows plain data only.
  if (codec.kind !== 'json')
    return { ...none, notCompiled: [{ name: cls.name, reason: 'the queue has a serializer of its own' }] };
  const compiled = compile(cls, validation);
  for (const each of compiled.notCompiled) onNotCompiled?.(each);
  return compiled;
}

/** Whether every property of a class is stored under its own name, and without a `@Transform`. */
const isStoredAsIs = ({ properties, accessors }: ClassSchema): boolean =>
  accessors.length === 0 &&
  [...properties.values()].every(
    ({ isWritten, name, wireName, writers }) => isWritten && wireName === name && writers.length === 0,
  );

/**
 * What `toPlain` returns for data that has all properties of a class, and no objects. There are no default values to add to it.
 * `undefined` for other data.
 */
function flatCopy({ properties }: ClassSchema, data: object): Record<string, unknown> | undefined {
  const plain: Record<string, unknown> = {};
  let count = 0;
  for (const key of Object.keys(data)) {
    const item = (data as Record<string, unknown>)[key];
    const isScalar = typeof item === 'string' || typeof item === 'number' || typeof item === 'boolean' || item === null;
    if (!isScalar || !properties.has(key)) return undefined;
    plain[key] = item === 0 ? 0 : item; // JSON has no -0
    count += 1;
  }
  return count === properties.size ? plain : undefined;
}

/**
 * Turns data into an instance of a class. Throws InvalidPayloadError, or any error of a constructor, rule or transform.
 * `instantiate` makes the instance, or returns `undefined` if class-transformer must make it.
 */
export type Verdict<T> = (plain: unknown, instantiate: (plain: unknown) => T | undefined) => T | Promise<T>;

/**
 * Validates data with the rules of a class. Only this function refuses data: compiled/ only accepts, or leaves the decision
 * to it.
 */
export function verdictOf<T extends object>(
  cls: PayloadClass<T>,
  schema: ClassSchema,
  { stripsUnknownKeys, toClass, rules }: Validation,
): Verdict<T> {
  const { name } = schema;
  const transformed = (data: unknown): T => {
    const plain = rootOf(name, data);
    const misshapen = shapeViolations(schema, plain, stripsUnknownKeys);
    if (misshapen.length > 0) throw invalidAll(name, misshapen);
    return classTransformer().plainToInstance(cls, plain, toClass);
  };
  return (data, instantiate) => {
    const instance = instantiate(data) ?? transformed(data);
    return andThen(brokenRules(instance, rules), (broken) => {
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
  if (Object.getPrototypeOf(data) === Object.prototype || data instanceof cls || isPlain(data)) return data;
  const made = typeof data.constructor === 'function' ? data.constructor.name : 'a class';
  throw new NotSerializableError('', `an instance of ${made}`, `put an instance of ${name}, or a plain object`);
}
