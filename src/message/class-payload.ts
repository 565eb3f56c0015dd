import { plainToInstance, type ClassTransformOptions } from 'class-transformer';
import { NotSerializableError } from '../contract/errors.js';
import { describe } from '../contract/options.js';
import { nothing } from './any-payload.js';
import { compile, type Accept } from './compiled/acceptor.js';
import { isPlain } from './json.js';
import { outlineOf, type Outline } from './outline.js';
import type { Codec, PayloadSettings } from './serializer.js';
import type { Encoded, PayloadClass, PayloadType } from './shapes.js';
import { toPlain } from './to-plain.js';
import { shapeViolations } from './unknown-keys.js';
import { brokenRules } from './validate.js';
import { andThen, guard, invalid, invalidAll } from './violations.js';

/**
 * Payloads of a class with class-validator rules.
 *
 * `put` makes the text and then takes it apart as `take` will: what it accepts is accepted on the other side, transforms
 * are applied as often as they are there, and the payload in the job is what the handler will get.
 */
export function classPayload<T extends object>(cls: PayloadClass<T>, codec: Codec, { validation = 'compiled' }: PayloadSettings = {}): PayloadType<T> {
  const outline = outlineOf(cls);
  const { name } = outline;
  const verdict = verdictOf(cls, outline);
  // What a serializer of somebody's own reads may be anything, objects with a mind of their own included.
  const accept = validation === 'compiled' && codec.kind === 'json' ? compiledLater(cls) : neverSure;
  const decode = (text: string): T | Promise<T> =>
    guard(name, () => {
      const plain = codec.read(text, name);
      return accept(plain) ?? verdict(plain);
    });
  const encode = (value: unknown): Encoded<T> | Promise<Encoded<T>> => {
    const { plain, isCopy } = toPlain(outline, dataOf(outline, value), codec.maxDepth);
    const text = codec.write(plain, name);
    // The codec has found it to be JSON, and nobody else has a hand on it: it is what reading the text would give.
    const payload = isCopy ? accept(plain) : undefined;
    if (payload !== undefined) return { text, payload };
    return andThen(decode(text), (decoded) => ({ text, payload: decoded }));
  };
  return { name, source: cls, decode, encode: (value) => guard(name, () => encode(value), NotSerializableError) };
}

const neverSure = (): undefined => undefined;

// With the first payload, when circular imports have been resolved and all rules have been declared.
function compiledLater<T extends object>(cls: PayloadClass<T>): Accept<T> {
  let accept: Accept<T> | undefined;
  return (plain) => (accept ??= compile(cls).accept ?? neverSure)(plain);
}

/** The judgement of a class on data that came out of a text: its instance, or InvalidPayloadError, or any other error. */
export type Verdict<T> = (plain: unknown) => T | Promise<T>;

// Without exposeUnsetFields, an absent property that has @Expose keeps its default, as one without @Expose does.
const transform: ClassTransformOptions = { exposeUnsetFields: false };

/** The one place where the rules of a class are put to data, and the only one that refuses any: compiled/ only ever accepts. */
export function verdictOf<T extends object>(cls: PayloadClass<T>, outline: Outline): Verdict<T> {
  const { name } = outline;
  return (data) => {
    const plain = rootOf(name, data);
    const misshapen = shapeViolations(outline, plain);
    if (misshapen.length > 0) throw invalidAll(name, misshapen);
    const instance = plainToInstance(cls, plain, transform);
    return andThen(brokenRules(instance), (broken) => {
      if (broken.length > 0) throw invalidAll(name, broken);
      return instance;
    });
  };
}

// Before the transform, which would go through an array item by item, and hand null on.
function rootOf(name: string, data: unknown): Record<string, unknown> {
  if (typeof data === 'object' && data !== null && !Array.isArray(data)) return data as Record<string, unknown>;
  throw invalid(name, '', 'type', `must be an object, not ${typeof data === 'object' ? describe(data) : `a ${typeof data}`}`);
}

function dataOf({ cls, name }: Outline, value: unknown): object {
  if (value === undefined) throw nothing();
  const data = rootOf(name, value);
  if (data instanceof cls || isPlain(data)) return data;
  const made = typeof data.constructor === 'function' ? data.constructor.name : 'a class';
  throw new NotSerializableError('', `an instance of ${made}`, `put an instance of ${name}, or a plain object`);
}
