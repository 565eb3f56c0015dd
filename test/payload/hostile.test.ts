/** For any bytes in Redis, decode returns a payload or throws InvalidPayloadError, and changes no prototype. */
import 'reflect-metadata';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { InvalidPayloadError, NotSerializableError } from '../../src/core/errors.js';
import { payloadType, type PayloadType } from '../../src/payload/payload-type.js';
import { Order } from './payloads.js';

const types: [string, PayloadType][] = [
  ['any', payloadType(undefined)],
  ['class', payloadType<unknown>(Order)],
  ['schema', payloadType<unknown>(z.object({ to: z.string(), extra: z.record(z.string(), z.unknown()).optional() }))],
  ['String', payloadType<unknown>(String as never)],
  ['raw', payloadType(undefined, { serializer: null })],
];

const hostileKey = fc.constantFrom(
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'then',
  'toJSON',
  'hasOwnProperty',
  'greeting',
  'length',
);
const knownKey = fc.constantFrom('to', 'retries', 'address', 'city', 'sizes', 'width', 'at', 'extra');
// Written as text, because a literal { __proto__: … } has no such key.
const { text: jsonText } = fc.letrec<{ text: string }>((tie) => ({
  text: fc.oneof(
    { maxDepth: 6 },
    fc.oneof(
      fc.string().map((value) => JSON.stringify(value)),
      fc.constantFrom('1', '0', '-0', '1e999', 'null', 'true', '"a@b.co"', '"2020-01-01"', '1.5'),
    ),
    fc.array(tie('text'), { maxLength: 4 }).map((items) => `[${items.join()}]`),
    fc
      .array(fc.tuple(fc.oneof(hostileKey, knownKey, fc.string()), tie('text')), { maxLength: 5 })
      .map((entries) => `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${value}`).join()}}`),
  ),
}));
/** JSON text of a property: usually a valid value, sometimes any value. */
const mostly = (good: fc.Arbitrary<unknown>) =>
  fc.oneof({ weight: 9, arbitrary: good.map((value) => JSON.stringify(value)) }, { weight: 1, arbitrary: jsonText });
const almost = fc
  .record(
    {
      to: mostly(fc.constant('a@b.co')),
      retries: mostly(fc.nat(10)),
      address: mostly(
        fc.record({ city: fc.string({ minLength: 1 }), street: fc.string() }, { requiredKeys: ['city'] }),
      ),
      sizes: mostly(fc.array(fc.record({ width: fc.integer({ min: 1, max: 100 }) }))),
      at: mostly(fc.date({ noInvalidDate: true })),
      extra: mostly(fc.dictionary(fc.string(), fc.jsonValue())),
      greeting: jsonText,
    },
    { requiredKeys: ['to'] },
  )
  .filter(({ greeting }) => greeting === undefined || greeting.length % 7 === 0)
  .map(
    (texts) =>
      `{${Object.entries(texts)
        .map(([key, text]) => `"${key}":${text}`)
        .join()}}`,
  );
const bytes = fc.uint8Array({ maxLength: 200 }).map((raw) => Buffer.from(raw).toString('utf8'));
const anyText = fc.oneof(jsonText, almost, bytes, fc.string(), fc.json());

const surface = (): string =>
  [Object, Array, Function, String, Order]
    .map(
      (cls) =>
        Reflect.ownKeys(cls.prototype as object)
          .map(String)
          .join() + String(Object.getPrototypeOf(cls.prototype) === null),
    )
    .join('|');

describe.each(types)('%s', (_, type) => {
  it('decode returns a payload or throws InvalidPayloadError, and changes no prototype', () => {
    const before = surface();
    fc.assert(
      fc.property(anyText, (text) => {
        let decoded: unknown;
        try {
          decoded = type.decode(text);
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidPayloadError);
        }
        expect(decoded).not.toBeInstanceOf(Promise);
        expect(({} as Record<string, unknown>)['admin']).toBeUndefined();
      }),
      { numRuns: 1500 },
    );
    expect(surface()).toBe(before);
  });

  it('decode accepts all that encode accepts, and returns the same payload', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.anything({ withDate: true, withMap: true, withNullPrototype: true }), anyText.map(readable)),
        (value) => {
          let encoded: { text: string; payload: unknown };
          try {
            encoded = type.encode(value) as typeof encoded;
          } catch (error) {
            expect([InvalidPayloadError, NotSerializableError]).toContain((error as Error).constructor);
            return;
          }
          // JSON has no -0 and no objects without a prototype, so these compare as equal to 0 and to plain objects.
          expect(normal(type.decode(encoded.text))).toEqual(normal(encoded.payload));
        },
      ),
      { numRuns: 1500 },
    );
  });

  it('a decoded payload can be encoded again, to the same payload', () => {
    let accepted = 0;
    fc.assert(
      fc.property(anyText, (text) => {
        let payload: unknown;
        try {
          payload = type.decode(text);
        } catch {
          return;
        }
        accepted++;
        const again = type.encode(payload) as { text: string };
        expect(normal(type.decode(again.text))).toEqual(normal(payload));
      }),
      { numRuns: 1500 },
    );
    expect(accepted).toBeGreaterThan(50);
  });
});

function readable(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

const normal = (value: unknown): unknown =>
  typeof value === 'object' && value !== null ? JSON.parse(JSON.stringify(value)) : value === 0 ? 0 : value;
