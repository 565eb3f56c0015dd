import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { InvalidPayloadError, NotSerializableError } from '../../src/contract/errors.js';
import { payloadType, type PayloadType, type StandardSchemaV1 } from '../../src/message/payload.js';
import { broken, thrownBy } from './payloads.js';

const schema = z.object({
  to: z.email(),
  retries: z.number().int().default(3),
  tags: z.array(z.string().transform((tag) => `#${tag}`)).optional(),
  at: z.coerce.date().optional(),
});
const mails = payloadType(schema);

/** A schema made by hand; arktype's are functions, too. */
function schemaOf(validate: StandardSchemaV1['~standard']['validate'], callable = false): StandardSchemaV1 {
  const standard = { '~standard': { version: 1, vendor: 'home-made', validate } } as const;
  return callable ? Object.assign(() => 'called', standard) : standard;
}

describe('a zod schema', () => {
  it('stores its input and gives its output, so that transforms happen once', () => {
    const encoded = mails.encode({ to: 'a@b.co', tags: ['x'], at: '2020-01-01T00:00:00.000Z' });
    const output = { to: 'a@b.co', retries: 3, tags: ['#x'], at: new Date('2020-01-01') };
    expect(encoded).toEqual({ text: '{"to":"a@b.co","tags":["x"],"at":"2020-01-01T00:00:00.000Z"}', payload: output });
    expect(mails.decode((encoded as { text: string }).text)).toEqual(output);
  });

  it('has a name, and itself as its source', () => {
    expect(mails).toMatchObject({ name: 'zod schema', source: schema });
    expectTypeOf(mails).toEqualTypeOf<PayloadType<z.output<typeof schema>>>();
  });

  it('says what is wrong and where, at both ends', () => {
    for (const value of [{ to: 'x', tags: ['a', 7] }]) {
      expect(broken(() => mails.encode(value))).toEqual(['to schema', 'tags.1 schema']);
      expect(broken(() => mails.decode(JSON.stringify(value)))).toEqual(['to schema', 'tags.1 schema']);
    }
    expect(broken(() => mails.decode('null'))).toEqual(['schema']);
    expect(broken(() => mails.decode('{'))).toEqual(['json']);
    expect(broken(() => mails.decode('{"to":"a@b.co","__proto__":{}}'))).toEqual(['__proto__ forbiddenKey']);
  });

  it('takes undefined properties for absent, and refuses what JSON has not', () => {
    expect(mails.encode({ to: 'a@b.co', tags: undefined })).toMatchObject({ text: '{"to":"a@b.co"}' });
    for (const value of [undefined, { to: 'a@b.co', at: new Date() }, { to: 'a@b.co', tags: new Set() }]) {
      expect(thrownBy(() => mails.encode(value))).toBeInstanceOf(NotSerializableError);
    }
  });

  it('whose own output would not be accepted is still taken: only the input travels', () => {
    const length = payloadType(z.string().transform((text) => text.length));
    const encoded = length.encode('four');
    expect(encoded).toEqual({ text: '"four"', payload: 4 });
    expect(length.decode('"four"')).toBe(4);
  });

  it('may be asynchronous', async () => {
    const type = payloadType(z.object({ name: z.string().refine(async (name) => name !== 'taken') }));
    await expect(type.encode({ name: 'free' })).resolves.toEqual({ text: '{"name":"free"}', payload: { name: 'free' } });
    await expect(type.decode('{"name":"taken"}')).rejects.toMatchObject({ violations: [{ path: 'name', rule: 'schema' }] });
  });
});

describe('any Standard Schema', () => {
  it('may be a function, and is not taken for a class', () => {
    const type = payloadType(schemaOf((value) => ({ value }), true));
    expect(type).toMatchObject({ name: 'home-made schema' });
    expect(type.decode('[1]')).toEqual([1]);
  });

  it('may have promises of its own', async () => {
    const thenable = { then: (done: (result: unknown) => void) => done({ value: 7 }) } as unknown as Promise<{ value: unknown }>;
    const decoded = payloadType(schemaOf(() => thenable)).decode('1');
    await expect(decoded).resolves.toBe(7);
  });

  it.each<[string, StandardSchemaV1['~standard']['validate']]>([
    ['throws', () => { throw new Error('x'); }],
    ['rejects', () => Promise.reject(new Error('x'))],
    ['gives nothing', () => undefined as never],
    ['gives null', () => null as never],
    ['promises nothing', () => Promise.resolve(undefined as never)],
    ['gives issues that are none', () => ({ issues: [null] as never })],
  ])('that %s makes the message invalid', async (_, validate) => {
    const type = payloadType(schemaOf(validate));
    await expect(async () => type.decode('1')).rejects.toMatchObject({ name: 'InvalidPayloadError', violations: [{ rule: 'throws' }] });
    await expect(async () => type.encode(1)).rejects.toBeInstanceOf(InvalidPayloadError);
  });

  it('may name its places in two ways, and need not give a reason', () => {
    const issues = [{ message: 'no', path: ['a', { key: 1 }, Symbol('s')] }, { message: 'x'.repeat(1000) }];
    const error = thrownBy(() => payloadType(schemaOf(() => ({ issues }))).decode('1')) as InvalidPayloadError;
    expect(error.violations).toEqual([
      { path: 'a.1.Symbol(s)', rule: 'schema', message: 'no' },
      { path: '', rule: 'schema', message: `${'x'.repeat(200)}…` },
    ]);
    expect(broken(() => payloadType(schemaOf(() => ({ issues: [] }))).decode('1'))).toEqual(['schema']);
  });
});
