import { NotSerializableError } from '../contract/errors.js';
import { describe } from '../contract/options.js';
import type { Codec } from './serializer.js';
import type { Encoded, PayloadType } from './shapes.js';
import { guard, invalid } from './violations.js';

const names = { json: 'JSON value', text: 'string', rich: 'value' } as const;

/** The payloads of an untyped queue: all that its codec carries. */
export function anyPayload(codec: Codec): PayloadType {
  const name = names[codec.kind];
  const decode = (text: string): unknown => guard(name, () => codec.read(text, name));
  return {
    name,
    source: undefined,
    encode: (value) => guard(name, () => encoded(value, codec, name), NotSerializableError),
    decode,
  };
}

function encoded(value: unknown, codec: Codec, name: string): Encoded<unknown> {
  if (value === undefined) throw nothing();
  const text = codec.write(value, name);
  // Only somebody else's serializer needs the proof that what it writes can be read.
  return { text, payload: codec.kind === 'rich' ? codec.read(text, name) : value };
}

export const nothing = (): NotSerializableError => new NotSerializableError('', 'undefined', 'put null for "nothing"');

/** `String`, `Number` or `Boolean` in place of a payload class. */
export type Primitive = typeof String | typeof Number | typeof Boolean;

export const isPrimitive = (source: unknown): source is Primitive => source === String || source === Number || source === Boolean;

/** Payloads of one primitive type, without any conversion. */
export function primitivePayload(source: Primitive, codec: Codec): PayloadType {
  const name = source.name.toLowerCase();
  const check = (value: unknown): unknown => {
    if (typeof value === name) return value;
    throw invalid(name, '', 'type', `must be a ${name}, not ${typeof value === 'string' ? 'a string' : describe(value)}`);
  };
  const decode = (text: string): unknown => guard(name, () => check(codec.read(text, name)));
  return {
    name,
    source,
    encode: (value) =>
      guard(
        name,
        () => {
          if (value === undefined) throw nothing();
          return encoded(check(value), codec, name);
        },
        NotSerializableError,
      ),
    decode,
  };
}
