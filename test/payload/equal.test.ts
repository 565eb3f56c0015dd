/** What `put` accepts, the handler gets equal, and the same at each attempt. */
import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { Exclude, Expose, Transform, Type } from 'class-transformer';
import { Allow, IsArray, IsDate, IsInt, IsObject, IsOptional, IsString, IsUUID, ValidateNested } from 'class-validator';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { NotSerializableError } from '../../src/core/errors.js';
import { payloadType, type PayloadType } from '../../src/payload/payload-type.js';
import { broken, sync, thrownBy } from './payloads.js';

/** Puts a value, and fails if two attempts get something else than the job. Returns the job's payload; `undefined` if refused. */
function attempted(type: PayloadType, value: unknown): unknown {
  let encoded;
  try {
    encoded = type.encode(value) as { text: string; payload: unknown };
  } catch {
    return undefined;
  }
  for (let attempt = 1; attempt <= 2; attempt++) {
    const decoded = type.decode(encoded.text);
    if (!isDeepStrictEqual(decoded, encoded.payload))
      throw new Error(`attempt ${attempt} got another payload: ${encoded.text}`);
  }
  return encoded.payload;
}

class Part {
  @IsUUID() id = randomUUID();
  @IsString() name!: string;
  @IsInt() count = Math.floor(Math.random() * 1e9);
}
class Whole {
  @IsUUID() key: string = randomUUID();
  @IsDate() @Type(() => Date) at = new Date(Math.random() * 1e12);
  @ValidateNested() @Type(() => Part) @IsOptional() part?: Part;
  @ValidateNested({ each: true }) @Type(() => Part) parts: Part[] = [Object.assign(new Part(), { name: 'first' })];
  @Expose({ name: 'n' }) @IsString() nonce = randomUUID() as string;
  @Expose() @Transform(({ value }) => (value as unknown) ?? randomUUID()) @IsUUID() token!: string;
  @IsObject() open: object = { random: Math.random() };
  @IsInt() @Transform(({ value }) => Number(value) * 2, { toClassOnly: true }) doubled = 7;
  @Exclude() cache = new Map();
}

const numbers = (length: number): number[] => Array.from({ length }, (_, n) => n / 2);

describe('default values of a class are made once, stored, and the same at each attempt', () => {
  const wholes = payloadType<Whole>(Whole) as PayloadType;

  it.each<[string, unknown]>([
    ['of a plain object', {}],
    ['of nested objects', { part: { name: 'a' }, parts: [{ name: 'b' }, { name: 'c', count: 1 }] }],
    ['of an instance', Object.assign(new Whole(), { parts: [] })],
    ['with a transform that changes its value', { doubled: 4 }],
  ])('%s', (_, value) => {
    expect(attempted(wholes, value)).toBeInstanceOf(Whole);
  });

  it('a given value is not replaced', () => {
    const key = randomUUID();
    const at = new Date(5);
    expect(attempted(wholes, { key, at, nonce: 'n', open: {} })).toMatchObject({ key, at, nonce: 'n', open: {} });
  });

  it('a transform to class does not run on a default value', () => {
    expect(attempted(wholes, {})).toMatchObject({ doubled: 7 });
    expect(attempted(wholes, { doubled: 4 })).toMatchObject({ doubled: 8 });
  });

  it('a default value that JSON does not have is refused, with its path', () => {
    class Cached {
      @IsString() name!: string;
      @Allow() cache = new Map();
    }
    expect(thrownBy(() => sync(Cached).put({ name: 'a' }))).toMatchObject({ path: 'cache' });
  });
});

it('default values of a schema are made once, if the schema returns them unchanged', () => {
  const schema = z.object({
    id: z.string().default(() => randomUUID()),
    at: z.coerce.date().default(() => new Date(Math.random() * 1e12)),
    n: z.coerce.number().default(() => Math.random()),
    inner: z.array(z.object({ id: z.string().default(() => randomUUID()) })),
    twice: z
      .number()
      .default(1)
      .transform((n) => n * 2),
    size: z.string().transform((text) => text.length),
  });
  const type = payloadType<unknown>(schema);
  expect(attempted(type, { inner: [{}, { id: 'x' }], size: 'abc', twice: 4 })).toMatchObject({ size: 3, twice: 8 });
  // The default of `twice` would be doubled again, so the input is stored as it is, and constant defaults are still equal.
  const constant = z.object({
    twice: z
      .number()
      .default(1)
      .transform((n) => n * 2),
    b: z.string().default('b'),
  });
  expect(attempted(payloadType<unknown>(constant), {})).toEqual({ twice: 2, b: 'b' });
});

describe('what JSON would lose of an array is refused', () => {
  class Tagged {
    @IsArray() tags!: unknown[];
    @IsObject() @IsOptional() open?: object;
  }
  class List extends Array<string> {}
  const withToJson = Object.defineProperty(['a'], 'toJSON', { value: () => 'x' });
  const inherited: unknown = Object.setPrototypeOf(
    ['a'],
    Object.create(Array.prototype, { toJSON: { value: () => 'x' } }) as object,
  );
  const withMany = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`p${index}`, index]));
  const computed = { get: () => 1, enumerable: true };
  const arrays: [string, unknown, RegExp][] = [
    ['toJSON', withToJson, /toJSON/],
    ['an inherited toJSON', inherited, /instance of/],
    ['a property', Object.assign(['a'], { total: 1 }), /the property total/],
    ['a property of many numbers', Object.assign(numbers(1_000), { total: 1 }), /the property total/],
    ['an undefined property of many', Object.assign(numbers(128), { more: undefined }), /the property more/],
    [
      'a getter of many',
      Object.defineProperty(numbers(200), 'sum', { enumerable: true, get: () => 1 }),
      /property sum/,
    ],
    ['a hundred properties of a long array', Object.assign(Array<number>(999).fill(1.5), withMany), /the property p0/],
    ['a property that is computed', Object.defineProperty(['a'], 'size', computed), /the property size/],
    ['the properties of a match', /(a)/.exec('a'), /the property index/],
    ['a class of its own', List.from(['a']), /instance of List/],
  ];
  it.each(arrays)('%s', (_, array, reason) => {
    for (const [type, value] of [
      [sync(), array],
      [sync(), { deep: [array] }],
      [sync(Tagged), { tags: array }],
      [sync(Tagged), { tags: [], open: { deep: array } }],
      [sync(z.any() as never), array],
    ] as const) {
      const error = thrownBy(() => type.put(value));
      expect(error).toBeInstanceOf(NotSerializableError);
      expect(error).toMatchObject({ message: expect.stringMatching(reason) as string });
    }
  });

  it('and a hidden toJSON of an object', () => {
    const hidden = Object.defineProperty({ a: 1 }, 'toJSON', { value: () => 'x' });
    expect(thrownBy(() => sync().put(hidden))).toBeInstanceOf(NotSerializableError);
    expect(thrownBy(() => sync().put([{ hidden }]))).toBeInstanceOf(NotSerializableError);
  });
});

it('@Expose of another group: the property is neither stored nor delivered, and a worker refuses it', () => {
  class User {
    @IsString() name!: string;
    @Expose({ groups: ['admin'] }) @IsString() @IsOptional() secret?: string;
  }
  const users = sync(User);
  expect(users.text({ name: 'a', secret: 'x' })).toBe('{"name":"a"}');
  expect(users.put({ name: 'a', secret: 'x' })).toEqual({ name: 'a' });
  expect(broken(() => users.take('{"name":"a","secret":"x"}'))).toEqual(['secret unknownKey']);
});

describe('for any value', () => {
  const values = fc.oneof(
    fc.jsonValue(),
    fc.anything({
      withDate: true,
      withMap: true,
      withSet: true,
      withTypedArray: true,
      withSparseArray: true,
      withNullPrototype: true,
    }),
    fc
      .tuple(
        fc.array(fc.jsonValue()),
        fc.dictionary(
          fc.string().map((key) => `k${key}`),
          fc.jsonValue(),
        ),
      )
      .map(([array, more]) => Object.assign(array, more)),
  );
  const numbersEqual = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

  it('an untyped queue delivers it equal, or refuses it', () => {
    const type = payloadType<unknown>(undefined);
    fc.assert(
      fc.property(values, (value) => {
        const put = attemptedText(type, value);
        if (put === undefined) return;
        // Objects without a prototype and -0 arrive as {} and 0.
        expect(put).toEqual(numbersEqual(value));
        expect(JSON.stringify(put)).toBe(JSON.stringify(value));
      }),
    );
  });

  it('a class delivers it equal, or refuses it', () => {
    class Any {
      @Allow() open: unknown;
      @IsArray() @IsOptional() list?: unknown[];
      @IsUUID() id = randomUUID();
    }
    const type = payloadType<Any>(Any) as PayloadType;
    fc.assert(fc.property(values, values, (open, list) => void attempted(type, { open, list })));
  });
});

function attemptedText(type: PayloadType, value: unknown): unknown {
  try {
    const { text } = type.encode(value) as { text: string };
    return type.decode(text);
  } catch {
    return undefined;
  }
}
