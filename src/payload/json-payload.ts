import { NotSerializableError } from '../core/errors.js';
import type { Codec } from './codec.js';
import type { Encoded, PayloadType } from './types.js';
import { fail, guard, invalid, typeOf } from './violations.js';

const names = { json: 'JSON value', text: 'string', rich: 'value' } as const;

/** Payloads of an untyped queue: every value that its codec accepts. */
export function anyPayload(codec: Codec): PayloadType {
  const name = names[codec.kind];
  return {
    name,
    source: undefined,
    encode(value) {
      try {
        return encoded(value, codec, name);
      } catch (cause) {
        return fail(name, cause, NotSerializableError);
      }
    },
    decode(text) {
      try {
        return codec.read(text, name);
      } catch (cause) {
        return fail(name, cause);
      }
    },
  };
}

function encoded(value: unknown, codec: Codec, name: string): Encoded<unknown> {
  if (value === undefined) throw nothing();
  const text = codec.write(value, name);
  // A custom serializer may write text that it cannot read. Reading it here makes put fail, and not a worker later.
  return { text, payload: codec.kind === 'rich' ? codec.read(text, name) : value };
}

export const nothing = (): NotSerializableError => new NotSerializableError('', 'undefined', 'put null instead');

/** `String`, `Number` or `Boolean`, instead of a payload class. */
export type Primitive = typeof String | typeof Number | typeof Boolean;

export const isPrimitive = (source: unknown): source is Primitive =>
  source === String || source === Number || source === Boolean;

/** Payloads of one primitive type. Values are not converted. */
export function primitivePayload(source: Primitive, codec: Codec): PayloadType {
  const name = source.name.toLowerCase();
  const check = (value: unknown): unknown => {
    if (typeof value === name) return value;
    throw invalid(name, '', 'type', `must be a ${name}, not ${typeOf(value)}`);
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
