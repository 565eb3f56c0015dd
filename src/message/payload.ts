import { InvalidOptionError } from '../contract/errors.js';
import { anyPayload, isPrimitive, primitivePayload } from './any-payload.js';
import { classPayload } from './class-payload.js';
import { checkDeclaration } from './declaration.js';
import { schemaPayload } from './schema-payload.js';
import { codecOf, type Codec, type PayloadSettings } from './serializer.js';
import type { PayloadClass, PayloadType } from './shapes.js';
import { isStandardSchema, type StandardSchemaV1 } from './standard-schema.js';

export { hasRules } from './class-rules.js';
export type { PayloadSettings } from './serializer.js';
export type { Encoded, Message, PayloadClass, PayloadType, Plain } from './shapes.js';
export type { StandardSchemaV1 } from './standard-schema.js';

/**
 * What a queue has to know about its payloads.
 *
 * @param source a class with class-validator rules, `String`, `Number`, `Boolean`, or a Standard Schema; `undefined` takes
 *   any JSON value
 * @throws InvalidOptionError for anything else, and for what could never work: a class without rules, one that cannot be
 *   made without arguments, nested rules without a `@Type` that we can see
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
  checkDeclaration(source);
  return classPayload(source, objectFree(source, codecOf(settings, true)), settings);
}

/** `serializer: null` brings strings through, and only those. */
function objectFree(source: { readonly name: string }, codec: Codec): Codec {
  if (codec.kind !== 'text' || (source as unknown) === String) return codec;
  throw new InvalidOptionError(
    'serializer',
    `serializer: null stores plain strings, so there would be nothing to make a ${source.name} of: leave one of the two out`,
  );
}
