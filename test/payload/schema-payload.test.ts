import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { InvalidPayloadError, NotSerializableError } from '../../src/core/errors.js';
import { payloadType, type PayloadType, type StandardSchemaV1 } from '../../src/payload/payload-type.js';
import { broken, thrownBy } from './payloads.js';

const schema = z.object({
  to: z.email(),
  retries: z.number().int().default(3),
  tags: z.array(z.string().transform((tag) => `#${tag}`)).optional(),
  at: z.coerce.date().optional(),
});
const mails = payloadType(schema);

/** A minimal Standard Schema. It may be a function, like the schemas of arktype. */
function schemaOf(validate: StandardSchemaV1['~standard']['validate'], callable = false): StandardSchemaV1 {
  const standard = { '~standard': { version: 1, vendor: 'home-made', validate } } as const;
  return callable ? Object.assign(() => 'called', standard) : standard;
}

describe('a zod schema', () => {
  it('stores its input and returns its output, so that transforms run once', () => {
    const encoded = mails.encode({ to: 'a@b.co', tags: ['x'], at: '2020-01-01T00:00:00.000Z' });
    const output = { to: 'a@b.co', retries: 3, tags: ['#x'], at: new Date('2020-01-01') };
    expect(encoded).toEqual({
      text: '{"to":"a@b.co","tags":["x"],"at":"2020-01-01T00:00:00.000Z","retries":3}',
      payload: output,
    });
    expect(mails.decode((encoded as { text: string }).text)).toEqual(output);
  });

  it('has a name, and itself as its source', () => {
    expect(mails).toMatchObject({ name: 'zod schema', source: schema });
    expectTypeOf(mails).toEqualTypeOf<PayloadType<z.output<typeof schema>>>();
  });

  it('reports violations with their paths, in put and take', () => {
    for (const value of [{ to: 'x', tags: ['a', 7] }]) {
      expect(broken(() => mails.encode(value))).toEqual(['to schema', 'tags.1 schema']);
      expect(broken(() => mails.decode(JSON.stringify(value)))).toEqual(['to schema', 'tags.1 schema']);
    }
    expect(broken(() => mails.decode('null'))).toEqual(['schema']);
    expect(broken(() => mails.decode('{'))).toEqual(['json']);
    expect(broken(() => mails.decode('{"to":"a@b.co","__proto__":{}}'))).toEqual(['__proto__ forbiddenKey']);
  });

  it('treats undefined properties as absent, and refuses values that JSON does not have', () => {
    expect(mails.encode({ to: 'a@b.co', tags: undefined })).toMatchObject({ text: '{"to":"a@b.co","retries":3}' });
    for (const value of [undefined, { to: 'a@b.co', at: new Date() }, { to: 'a@b.co', tags: new Set() }]) {
      expect(thrownBy(() => mails.encode(value))).toBeInstanceOf(NotSerializableError);
    }
  });

  it('may produce output that it would not accept as input, because only the input is stored', () => {
    const length = payloadType(z.string().transform((text) => text.length));
    const encoded = length.encode('four');
    expect(encoded).toEqual({ text: '"four"', payload: 4 });
    expect(length.decode('"four"')).toBe(4);
  });

  it('may be asynchronous', async () => {
    const type = payloadType(z.object({ name: z.string().refine(async (name) => name !== 'taken') }));
    await expect(type.encode({ name: 'free' })).resolves.toEqual({
      text: '{"name":"free"}',
      payload: { name: 'free' },
    });
    await expect(type.decode('{"name":"taken"}')).rejects.toMatchObject({
      violations: [{ path: 'name', rule: 'schema' }],
    });
  });
});

describe('any Standard Schema', () => {
  it('may be a function, and is not treated as a class', () => {
    const type = payloadType(schemaOf((value) => ({ value }), true));
    expect(type).toMatchObject({ name: 'home-made schema' });
    expect(type.decode('[1]')).toEqual([1]);
  });

  it('may return any thenable', async () => {
    const thenable = { then: (done: (result: unknown) => void) => done({ value: 7 }) } as unknown as Promise<{
      value: unknown;
    }>;
    const decoded = payloadType(schemaOf(() => thenable)).decode('1');
    await expect(decoded).resolves.toBe(7);
  });

  it.each<[string, StandardSchemaV1['~standard']['validate']]>([
    [
      'throws',
      () => {
        throw new Error('x');
      },
    ],
    ['rejects', () => Promise.reject(new Error('x'))],
    ['returns undefined', () => undefined as never],
    ['returns null', () => null as never],
    ['resolves to undefined', () => Promise.resolve(undefined as never)],
    ['returns invalid issues', () => ({ issues: [null] as never })],
  ])('that %s makes the message invalid', async (_, validate) => {
    const type = payloadType(schemaOf(validate));
    await expect(async () => type.decode('1')).rejects.toMatchObject({
      name: 'InvalidPayloadError',
      violations: [{ rule: 'throws' }],
    });
    await expect(async () => type.encode(1)).rejects.toBeInstanceOf(InvalidPayloadError);
  });

  it('may give paths in two forms, and no message', () => {
    const issues = [{ message: 'no', path: ['a', { key: 1 }, Symbol('s')] }, { message: 'x'.repeat(1000) }];
    const error = thrownBy(() => payloadType(schemaOf(() => ({ issues }))).decode('1')) as InvalidPayloadError;
    expect(error.violations).toEqual([
      { path: 'a.1.Symbol(s)', rule: 'schema', message: 'no' },
      { path: '', rule: 'schema', message: `${'x'.repeat(200)}…` },
    ]);
    expect(broken(() => payloadType(schemaOf(() => ({ issues: [] }))).decode('1'))).toEqual(['schema']);
  });
});
