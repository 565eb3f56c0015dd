/** Data that class-validator accepts although it breaks the declaration, and errors that lose their property. */
import 'reflect-metadata';
import { Transform, Type } from 'class-transformer';
import {
  Allow,
  IsArray,
  IsEmail,
  IsEnum,
  IsInt,
  IsNotEmpty,
  IsNumber,
  IsOptional,
  IsString,
  MaxLength,
  Min,
  ValidateIf,
  ValidateNested,
  type ValidationOptions,
} from 'class-validator';
import { describe, expect, it } from 'vitest';
import { InvalidPayloadError } from '../../src/core/errors.js';
import { payloadType, type PayloadClass, type PayloadSettings } from '../../src/payload/payload-type.js';
import { rules } from '../../src/payload/rules.js';
import { broken, sync, thrownBy } from './payloads.js';

const one = (...decorators: PropertyDecorator[]): PayloadClass<{ it?: unknown }> =>
  rules(
    class Some {
      it?: unknown;
    },
    { it: decorators },
  );
const both: readonly PayloadSettings[] = [{}, { validation: 'class-validator' }];

/** Both ends, with and without compiled validation. */
function verdicts(cls: PayloadClass<{ it?: unknown }>, plain: unknown, settings: PayloadSettings = {}): unknown[] {
  return both.flatMap((each) => {
    const type = sync(cls, { ...settings, ...each });
    const accepted = (run: () => unknown): unknown => {
      const found = broken(run);
      return found === 'nothing was thrown' ? 'accepted' : found;
    };
    return [accepted(() => type.take(JSON.stringify(plain))), accepted(() => type.put(plain))];
  });
}
const all = (verdict: unknown): unknown[] => [verdict, verdict, verdict, verdict];

describe('each: true needs an array', () => {
  const each = { each: true };
  it.each<[string, PropertyDecorator[], unknown]>([
    ['IsString', [IsString(each)], 'abc'],
    ['IsNotEmpty', [IsNotEmpty(each)], { a: 1 }],
    ['MaxLength', [MaxLength(5, each)], 'abc'],
    ['IsInt', [IsInt(each)], 7],
    ['IsEmail', [IsEmail({}, each)], 'a@b.co'],
    ['IsEnum', [IsEnum({ a: 'a' }, each)], 'a'],
    ['with a transform', [IsString(each), Transform(({ value }) => value as unknown)], 'abc'],
  ])('%s', (_, decorators, value) => {
    const cls = one(...decorators);
    expect(verdicts(cls, { it: value })).toEqual(all(['it isArray']));
    expect(verdicts(cls, { it: [value] })[0]).toEqual(
      typeof value === 'object' ? 'accepted' : verdicts(cls, { it: [value] })[1],
    );
  });

  it('unless the rules do not apply, or a transform makes an array', () => {
    expect(
      verdicts(
        one(
          ValidateIf(() => false),
          IsString(each),
        ),
        { it: 'abc' },
      ),
    ).toEqual(all('accepted'));
    const split = one(
      IsString(each),
      Transform(({ value }) => [value].flat() as unknown, { toClassOnly: true }),
    );
    expect(verdicts(split, { it: 'abc' })).toEqual(all('accepted'));
  });
});

describe('a nested object is required without @IsOptional', () => {
  class Inner {
    @IsString() name!: string;
  }
  class Loose {
    @IsString() @IsOptional() name?: string;
  }
  it.each<[string, PropertyDecorator[]]>([
    ['one', [ValidateNested(), Type(() => Inner)]],
    ['of a class without required properties', [ValidateNested(), Type(() => Loose)]],
    ['many', [ValidateNested({ each: true }), Type(() => Inner)]],
  ])('%s', (_, decorators) => {
    expect(verdicts(one(...decorators), {})).toEqual(all(['it isDefined']));
    expect(verdicts(one(...decorators, IsOptional()), {})).toEqual(all('accepted'));
  });

  it('at all levels, and {} is checked by the rules of its class', () => {
    class Outer {
      @ValidateNested() @Type(() => Middle) it!: unknown;
    }
    class Middle {
      @ValidateNested() @Type(() => Inner) inner!: Inner;
    }
    expect(verdicts(Outer, { it: {} })).toEqual(all(['it.inner isDefined']));
    expect(
      verdicts(
        one(
          ValidateNested(),
          Type(() => Inner),
        ),
        { it: {} },
      ),
    ).toEqual(all(['it.name isString']));
  });
});

describe('the names of a numeric enum are not its values', () => {
  enum Level {
    low,
    high = 5,
    negative = -1,
  }
  enum Mixed {
    a = 'x',
    b = 2,
    x = 3,
  }
  it.each<[object, unknown, boolean]>([
    [Level, 0, true],
    [Level, 5, true],
    [Level, -1, true],
    [Level, 'low', false],
    [Level, 'high', false],
    [Level, 'negative', false],
    [Level, '0', false],
    [Mixed, 'x', true],
    [Mixed, 2, true],
    [Mixed, 'b', false],
    [{ 0: 'zero', 1: 'one' }, 'zero', true],
    [{ a: 'b', b: 'a' }, 'a', true],
  ])('%o %s: %s', (entity, value, isValue) => {
    const verdict = isValue ? 'accepted' : ['it isEnum'];
    expect(verdicts(one(IsEnum(entity)), { it: value })).toEqual(all(verdict));
    expect(verdicts(one(IsEnum(entity, { each: true })), { it: [value] })).toEqual(all(verdict));
  });

  it('a rule of the user with the same name decides alone', () => {
    const error = thrownBy(() => sync(one(IsEnum(Level))).take('{"it":"low"}')) as InvalidPayloadError;
    expect(error.violations).toEqual([
      { path: 'it', rule: 'isEnum', message: 'must be one of the following values: 0, 5, -1' },
    ]);
  });
});

describe('arrays of arrays of nested objects', () => {
  class Cell {
    @IsInt() @Min(0) n!: number;
  }
  const rows = one(
    IsArray({ each: true }),
    ValidateNested({ each: true }),
    Type(() => Cell),
  );

  it('are supported with @IsArray({ each: true })', () => {
    expect(verdicts(rows, { it: [[{ n: 1 }, { n: 2 }], [], [{ n: 3 }]] })).toEqual(all('accepted'));
    const decoded = sync(rows).take('{"it":[[{"n":1}]]}') as { it: unknown[][] };
    expect(decoded.it[0]![0]).toBeInstanceOf(Cell);
    expect(verdicts(rows, { it: [[{ n: -1 }]] })).toEqual(all(['it.0.0.n min']));
  });

  it.each<[unknown, string]>([
    [[{ n: 1 }], 'it.0 type'],
    [[[[{ n: 1 }]]], 'it.0.0 type'],
    [[[{ n: 1, m: 1 }]], 'it.0.0.m unknownKey'],
    [{ n: 1 }, 'it type'],
  ])('%j is refused', (value, violation) => {
    expect(verdicts(rows, { it: value })).toEqual(all([violation]));
  });

  it('without it, the error says what to add', () => {
    const cls = one(
      ValidateNested({ each: true }),
      Type(() => Cell),
    );
    const error = thrownBy(() => sync(cls).put({ it: [[{ n: 1 }]] })) as InvalidPayloadError;
    expect(error.message).toMatch(/it\.0: must be an object, not an array \(add @IsArray\(\{ each: true \}\)/);
  });
});

describe('a message function cannot hide path and rule', () => {
  it.each<[string, ValidationOptions['message']]>([
    [
      'throws',
      () => {
        throw new Error('secret');
      },
    ],
    [
      'throws nothing',
      () => {
        // eslint-disable-next-line @typescript-eslint/only-throw-error -- user code may
        throw undefined;
      },
    ],
    ['returns undefined', () => undefined as never],
    ['returns a number', () => 7 as never],
    ['returns an object', () => ({ a: 1 }) as never],
  ])('that %s', (_, message) => {
    for (const settings of both) {
      const error = thrownBy(() =>
        sync(one(IsString({ message: message! })), settings).put({ it: 7 }),
      ) as InvalidPayloadError;
      expect(error.violations).toMatchObject([{ path: 'it', rule: 'isString' }]);
      expect(error.message).not.toContain('secret');
    }
  });
});

describe('options of a queue', () => {
  class User {
    @IsString({ groups: ['create'] }) name!: string;
    @IsNumber({}, { always: true }) @IsOptional({ always: true }) age?: number;
    @IsString({ groups: ['update'] }) reason!: string;
  }

  it('groups: only their rules apply', () => {
    expect(broken(() => sync(User).put({ name: 'a' }))).toEqual(['reason isString']);
    const create = sync(User, { groups: ['create'] });
    expect(create.put({ name: 'a', age: 1 })).toEqual({ name: 'a', age: 1 });
    expect(broken(() => create.put({ age: 'x' }))).toEqual(['name isString', 'age isNumber']);
    expect(broken(() => create.put({ name: 'a', reason: 'x' }))).toEqual(['reason unknownKey']);
    expect(broken(() => sync(User, { groups: ['update'] }).put({ name: 'a' }))).toEqual(['name unknownKey']);
  });

  it('whitelist: strip leaves unknown keys out, at all levels', () => {
    class Inner {
      @IsInt() n!: number;
    }
    class Outer {
      @ValidateNested({ each: true }) @Type(() => Inner) it!: Inner[];
    }
    for (const settings of both) {
      const type = sync(Outer, { ...settings, whitelist: 'strip' });
      expect(type.text({ it: [{ n: 1, more: 2 }], more: 3 })).toBe('{"it":[{"n":1}]}');
      expect(type.take('{"it":[{"n":1,"more":2}],"more":3}')).toEqual({ it: [{ n: 1 }] });
    }
  });

  it('unknown keys are refused, or left out, also under a property with a @Transform to plain data only', () => {
    class Inner {
      @IsInt() n!: number;
    }
    const seen: unknown[] = [];
    class Outer {
      @Transform(({ value }) => value as unknown, { toPlainOnly: true })
      @ValidateNested()
      @Type(() => Inner)
      it!: Inner;
      @Transform(({ obj }) => seen.push(structuredClone((obj as Outer).it)), { toClassOnly: true })
      @IsInt()
      at!: number;
    }
    for (const settings of both) {
      seen.length = 0;
      expect(broken(() => sync(Outer, settings).take('{"it":{"n":1,"more":2},"at":0}'))).toEqual([
        'it.more unknownKey',
      ]);
      const type = sync(Outer, { ...settings, whitelist: 'strip' });
      expect(type.take('{"it":{"n":1,"more":2},"at":0}')).toMatchObject({ it: { n: 1 } });
      expect(type.take('{"it":{"n":1,"more":2},"at":0}')).not.toHaveProperty('it.more');
      expect(seen.every((one) => JSON.stringify(one) === '{"n":1}')).toBe(true);
    }
  });

  it('so is another shape there: an object for a date, an array for an object', () => {
    const toPlainOnly = Transform(({ value }) => value as unknown, { toPlainOnly: true });
    class Inner {
      @IsInt() n!: number;
    }
    class Outer {
      @toPlainOnly @Type(() => Date) @Allow() on!: Date;
      @toPlainOnly @ValidateNested() @Type(() => Inner) it!: Inner;
    }
    for (const settings of both) {
      const type = sync(Outer, settings);
      expect(type.take('{"on":"2026-01-01T00:00:00.000Z","it":{"n":1}}').on.getFullYear()).toBe(2026);
      expect(broken(() => type.take('{"on":{},"it":{"n":1}}'))).toEqual(['on type']);
      expect(broken(() => type.take('{"on":"2026-01-01","it":[{"n":1}]}'))).toEqual(['it type']);
    }
  });

  it('stopAtFirstError reports one rule of each property', () => {
    const cls = one(IsString(), MaxLength(1), IsEmail());
    expect(broken(() => sync(cls).put({ it: 7 }))).toHaveLength(3);
    expect(broken(() => sync(cls, { stopAtFirstError: true }).put({ it: 7 }))).toHaveLength(1);
    expect(broken(() => sync(one(IsString({ each: true })), { stopAtFirstError: true }).put({ it: 7 }))).toHaveLength(
      1,
    );
  });

  it('dismissDefaultMessages keeps only own messages', () => {
    const type = payloadType(one(IsString(), IsEmail({}, { message: 'no' })), { dismissDefaultMessages: true });
    const { violations } = thrownBy(() => type.encode({ it: 7 })) as InvalidPayloadError;
    expect(violations.map(({ message }) => message).sort()).toEqual(['', 'no']);
  });
});
