/** Unexpected behaviour of class-validator and class-transformer, one test each. */
import 'reflect-metadata';
import { Type } from 'class-transformer';
import {
  Allow,
  IsArray,
  IsBoolean,
  IsDate,
  IsDefined,
  IsInt,
  IsNotEmpty,
  IsNumber,
  IsObject,
  IsOptional,
  IsString,
  ValidateBy,
  ValidateNested,
} from 'class-validator';
import { describe, expect, it } from 'vitest';
import { InvalidPayloadError } from '../../src/core/errors.js';
import { Address, broken, Order, Size, sync, thrownBy } from './payloads.js';

const orders = sync(Order);
const order = (rest: string): string => `{"to":"a@b.co",${rest}}`;

describe('an array for a declared object, and an object for a declared array, are refused', () => {
  class Two {
    @ValidateNested() @Type(() => Address) @IsOptional() one?: Address;
    @ValidateNested({ each: true }) @Type(() => Size) @IsOptional() many?: Size[];
    @IsNotEmpty() @Type(() => Date) @IsOptional() date?: Date;
    @IsNotEmpty() @Type(() => Number) @IsOptional() number?: number;
  }
  const two = sync(Two);

  it.each([
    ['{"one":[]}', ['one type']],
    ['{"one":[{"city":"Bern"}]}', ['one type']],
    ['{"many":{"width":1}}', ['many type']],
    ['{"many":[[{"width":1}]]}', ['many.0 type']],
    ['{"many":[[]]}', ['many.0 type']],
    ['{"date":["2020-01-01"]}', ['date type']],
    ['{"number":[1]}', ['number type']],
  ])('%s', (text, violations) => {
    expect(broken(() => two.take(text))).toEqual(violations);
    expect(broken(() => two.put(JSON.parse(text)))).toEqual(violations);
  });

  it('null and absent values are validated by the rules', () => {
    expect(two.take('{"one":null,"many":null}')).toMatchObject({ one: null, many: null });
    expect(two.take('{"many":[]}').many).toEqual([]);
  });
});

describe('@Type converts only values of the right kind', () => {
  class Typed {
    @IsString() @Type(() => String) @IsOptional() text?: string;
    @IsNumber() @Type(() => Number) @IsOptional() number?: number;
    @IsBoolean() @Type(() => Boolean) @IsOptional() flag?: boolean;
    @IsDefined() @Type(() => Date) @IsOptional() date?: Date;
    @IsDate({ each: true }) @Type(() => Date) @IsOptional() dates?: Date[];
    @IsArray() @Type(() => Number) @IsOptional() numbers?: number[];
  }
  const typed = sync(Typed);

  it.each([
    ['{"text":{}}', ['text type']],
    ['{"text":{"toString":1}}', ['text type']],
    ['{"number":{}}', ['number type']],
    ['{"flag":{"a":1}}', ['flag type']],
    ['{"numbers":[1,{}]}', ['numbers.1 type']],
    ['{"date":{}}', ['date type']],
    ['{"date":true}', ['date type']],
    ['{"date":"soon"}', ['date type']],
    ['{"dates":["2020-01-01","soon"]}', ['dates.1 type']],
    ['{"number":"x"}', ['number isNumber']],
  ])('%s is refused', (text, violations) => {
    expect(broken(() => typed.take(text))).toEqual(violations);
  });

  it('a declared conversion is applied', () => {
    expect(typed.take('{"number":"12","dates":["2020-01-01T00:00:00.000Z",0],"date":null}')).toMatchObject({
      number: 12,
      dates: [new Date('2020-01-01'), new Date(0)],
      date: null,
    });
    expect(typed.take(typed.text({ date: new Date(5), dates: [new Date(6)] }))).toMatchObject({
      date: new Date(5),
      dates: [new Date(6)],
    });
  });

  it('without @Type, nothing is converted', () => {
    class Plain {
      @IsBoolean() flag!: boolean;
      @IsInt() count!: number;
    }
    expect(broken(() => sync(Plain).take('{"flag":"false","count":""}'))).toEqual(['flag isBoolean', 'count isInt']);
  });
});

describe('an error inside the validation makes the message invalid', () => {
  it.each<[string, string, unknown]>([
    [
      'a constructor key in untyped data',
      order('"extra":{"a":{"constructor":"x"}}'),
      ['extra.a.constructor forbiddenKey'],
    ],
    ['__proto__ in untyped data', order('"extra":{"__proto__":{"admin":true}}'), ['extra.__proto__ forbiddenKey']],
    ['20,000 levels', order(`"extra":${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`), ['maxDepth']],
    ['null', 'null', ['type']],
    ['an array', '[{"to":"a@b.co"}]', ['type']],
    ['__proto__', '{"__proto__":{"to":"a@b.co"}}', ['__proto__ forbiddenKey']],
    ['a key named like a method', order('"greeting":"x"'), ['greeting unknownKey']],
    [
      'a key named like a method of all objects',
      order('"toString":"x","hasOwnProperty":1'),
      ['toString unknownKey', 'hasOwnProperty unknownKey'],
    ],
  ])('%s', (_, text, violations) => {
    expect(broken(() => orders.take(text))).toEqual(violations);
  });

  it('from a setter or a rule', () => {
    const cause = new TypeError('the value was hunter2');
    const fail = (): never => {
      throw cause;
    };
    class Setter {
      @Allow() set name(_: string) {
        fail();
      }
    }
    class Rule {
      @ValidateBy({ name: 'bad', validator: { validate: fail } }) name!: string;
    }
    for (const type of [sync(Setter), sync(Rule)]) {
      for (const run of [() => type.take('{"name":"x"}'), () => type.put({ name: 'x' })]) {
        const error = thrownBy(run) as InvalidPayloadError;
        expect(error).toBeInstanceOf(InvalidPayloadError);
        expect(error.violations).toMatchObject([{ rule: 'throws' }]);
        expect(error.cause).toBe(cause);
        expect(error.message).toContain('TypeError');
        expect(error.message).not.toContain('hunter2');
      }
    }
  });

  it('from a constructor that fails sometimes', () => {
    let fails = false;
    class Moody {
      @IsString() name!: string;
      constructor() {
        if (fails) throw new Error('not today');
      }
    }
    const moody = sync(Moody);
    fails = true;
    expect(broken(() => moody.take('{"name":"x"}'))).toEqual(['throws']);
    expect(broken(() => moody.put({ name: 'x' }))).toEqual(['throws']);
  });

  it('from a circular import whose class is not defined yet', () => {
    const late: { cls?: new () => Address } = {};
    class Early {
      @ValidateNested() @Type(() => late.cls ?? absent()) @IsOptional() address?: Address;
    }
    const absent = (): never => {
      throw new ReferenceError('cannot access Address before initialization');
    };
    const early = sync(Early);
    expect(broken(() => early.take('{"address":{"city":"Bern"}}'))).toEqual(['throws']);
    late.cls = Address;
    expect(early.take('{"address":{"city":"Bern"}}').address).toBeInstanceOf(Address);
  });
});

describe('class-transformer compares every key of an object with all others (30,000 keys take a third of a second)', () => {
  const keys = (n: number): Record<string, number> =>
    Object.fromEntries(Array.from({ length: n }, (_, i) => [`k${i}`, i]));

  it('so unknown keys are refused before class-transformer runs', () => {
    let made = 0;
    class Counted extends Order {
      constructor() {
        super();
        made++;
      }
    }
    const counted = sync(Counted);
    made = 0;
    expect(broken(() => counted.take(JSON.stringify({ to: 'a@b.co', ...keys(30_000) })))).toContain('k0 unknownKey');
    expect(broken(() => counted.take(order(`"address":${JSON.stringify(keys(30_000))}`)))).toContain(
      'address.k0 unknownKey',
    );
    expect(made).toBe(0);
    counted.take('{"to":"a@b.co"}');
    expect(made).toBe(1);
  });

  it('so untyped objects with too many keys are refused, by put and take', () => {
    expect(broken(() => orders.take(order(`"extra":{"deep":[${JSON.stringify(keys(30_000))}]}`)))).toEqual([
      'extra type',
    ]);
    expect(broken(() => orders.put({ to: 'a@b.co', extra: keys(1001) }))).toEqual(['extra type']);
    expect(orders.put({ to: 'a@b.co', extra: keys(1000) }).extra).toEqual(keys(1000));
  });
});

it('a nested value without a class is refused with a reason, also if only the payload shows it', () => {
  class Inner {
    @IsString() name!: string;
  }
  class Outer {
    @ValidateNested()
    @Type(({ object } = {} as never) => ((object as { as?: string }).as === 'inner' ? Inner : Object))
    @IsObject()
    it!: object;
    @IsString() @IsOptional() as?: string;
  }
  const outer = sync(Outer);
  expect(outer.take('{"it":{"name":"x"},"as":"inner"}').it).toBeInstanceOf(Inner);
  expect(broken(() => outer.take('{"it":{"name":"x","more":1},"as":"inner"}'))).toEqual(['it.more unknownKey']);
  const error = thrownBy(() => outer.take('{"it":{"name":"x"}}')) as InvalidPayloadError;
  expect(error.violations).toMatchObject([{ path: 'it', rule: 'unknownValue' }]);
  expect(error.message).toMatch(/@Type\(\(\) => ItsClass\).*copy of class-transformer that hotqueue uses/);
});
