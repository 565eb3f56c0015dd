import { InvalidOptionError } from '../core/errors.js';
import { anyPayload, isPrimitive, primitivePayload } from './json-payload.js';
import { classPayload } from './class-payload.js';
import { checkClass } from './check-class.js';
import { schemaPayload } from './schema-payload.js';
import { codecOf, type Codec, type PayloadSettings } from './codec.js';
import type { PayloadClass, PayloadType } from './types.js';
import { isStandardSchema, type StandardSchemaV1 } from './standard-schema.js';

export { hasRules } from './class-rules.js';
export type { PayloadSettings } from './codec.js';
export type { Encoded, PutInput, PayloadClass, PayloadType, Plain } from './types.js';
export type { StandardSchemaV1 } from './standard-schema.js';

/**
 * How a queue encodes, decodes and validates its payloads.
 *
 * @param source a class with class-validator rules, `String`, `Number`, `Boolean`, or a Standard Schema; `undefined` for any
 *   JSON value
 * @throws InvalidOptionError for any other value, and for classes that cannot work: a class without rules, a class with
 *   constructor arguments, nested rules without a visible `@Type`
 */
export function payloadType<T>(
  source: PayloadClass<T> | StandardSchemaV1<unknown, T> | undefined,
  settings: PayloadSettings = {},
): PayloadType<T> {
  return kindOf(source, settings) as PayloadType<T>;
}

function kindOf(source: unknown, settings: PayloadSettings): PayloadType {
  if (source === undefined) return anyPayload(codecOf(settings, false));
  if (isStandardSchema(source)) return schemaPayload(source, codecOf(settings, true));
  if (isPrimitive(source)) return primitivePayload(source, objectFree(source, codecOf(settings, false)));
  checkClass(source);
  return classPayload(source, objectFree(source, codecOf(settings, true)), settings);
}

/** Refuses `serializer: null`, which stores strings only, for other payloads. */
function objectFree(source: { readonly name: string }, codec: Codec): Codec {
  if (codec.kind !== 'text' || (source as unknown) === String) return codec;
  throw new InvalidOptionError(
    'serializer',
    `invalid serializer null with payload ${source.name}: it stores plain strings only. Remove one of the two`,
  );
}
