/** The compiled validator accepts only what class-validator accepts. These are the cases in which it could accept too much. */
import 'reflect-metadata';
import { Type } from 'class-transformer';
import {
  Allow,
  IsArray,
  IsDefined,
  IsInt,
  IsNotEmpty,
  IsObject,
  IsOptional,
  IsString,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import { describe, expect, it } from 'vitest';
import type { PayloadClass } from '../../src/payload/payload-type.js';
import { accepted, accepting } from './compare.js';
import { Address } from './payloads.js';

describe('default values, which do not come from JSON', () => {
  class Sub extends Address {
    @IsString() more!: string;
  }
  class Defaults {
    @IsNotEmpty({ each: true }) @IsOptional() set: unknown;
    @ValidateNested() @Type(() => Address) @IsOptional() one: unknown;
    @ValidateNested({ each: true }) @Type(() => Address) @IsOptional() many: unknown;
    @Allow() at = 1;
  }
  const bern = { city: 'Bern' };
  it.each<[string, Partial<Defaults>, boolean]>([
    ['an empty string in a Set', { set: new Set(['']) }, false],
    ['an empty string in a Map', { set: new Map([['a', '']]) }, false],
    ['a plain object for an instance', { one: bern }, false],
    ['an instance', { one: Object.assign(new Address(), bern) }, true],
    ['an invalid instance', { one: new Address() }, false],
    ['an instance of a class with more rules', { one: Object.assign(new Sub(), bern) }, false],
    [
      'an instance with a constructor property of another class',
      { one: Object.assign(new Address(), bern, { constructor: Sub }) },
      false,
    ],
    [
      'an object without a prototype',
      { one: Object.assign(Object.create(null) as object, bern, { constructor: Address }) },
      false,
    ],
    ['a Set of plain objects', { many: new Set([bern]) }, false],
    ['a hole', { many: new Array(1) }, false],
  ])('%s', (_, defaults, isAccepted) => {
    class With extends Defaults {
      constructor() {
        super();
        Object.assign(this, defaults);
      }
    }
    expect(accepted(With, '{"at":2}')).toBe(isAccepted);
  });
});

it('null and invalid dates are not accepted as values, also with few rules', () => {
  class Few {
    @IsDefined() @Type(() => Date) @ValidateIf(({ when }: Few) => when !== 'any') date?: unknown;
    @IsDefined() @Type(() => Number) @IsOptional() number?: unknown;
    @Allow() when?: unknown;
    @Allow() @Type(() => Date) any?: unknown;
  }
  for (const text of [
    '{"date":null}',
    '{}',
    '{"date":0,"any":"soon"}',
    '{"date":"soon","when":"any"}',
    '{"date":0,"any":true}',
  ])
    expect(accepted(Few, text)).toBe(false);
  for (const text of ['{"date":null,"when":"any"}', '{"date":0,"any":null,"number":null}'])
    expect(accepted(Few, text)).toBe(true);
});

describe('constructors', () => {
  it('that set a function, freeze the object or return another class', () => {
    const log = (): void => {};
    class Method {
      @Allow() log: unknown = log;
    }
    class Frozen {
      @Allow() log?: unknown;
      constructor() {
        Object.freeze(this);
      }
    }
    class Stranger {
      @Allow() log?: unknown;
      constructor() {
        return new Frozen();
      }
    }
    for (const cls of [Method, Frozen, Stranger]) expect(accepted(cls, '{"log":"x"}')).toBe(false);
    expect(accepted(Method, '{}')).toBe(true);
  });

  it('are called as often as by class-transformer, and never before all keys are checked', () => {
    const made: string[] = [];
    class Inner {
      @IsInt() width!: number;
      constructor() {
        made.push('inner');
      }
    }
    class Outer {
      @ValidateNested({ each: true }) @Type(() => Inner) @IsArray() all!: Inner[];
      constructor() {
        made.push('outer');
      }
    }
    const accept = accepting(Outer);
    expect(made).toEqual([]);
    expect(accept({ all: [{ width: 1 }, { wide: 1 }] })).toBeUndefined();
    expect(made).toEqual([]);
    expect(accept({ all: [{ width: 1 }, { width: 2 }] })).toBeDefined();
    expect(made.splice(0)).toEqual(['outer', 'inner', 'inner']);
  });
});

it('own keys are in the order of the text, after those of the constructor', () => {
  class Ordered {
    @Allow() c = 1;
    @Allow() a?: unknown;
    @Allow() b?: unknown;
    @Allow() 7?: unknown;
  }
  for (const text of ['{"a":1,"b":2,"7":0}', '{"b":1,"a":{"y":1,"x":2},"c":3}', '{"a":-0,"b":[0,-0]}'])
    expect(accepted(Ordered, text)).toBe(true);
});

it('a type function that only looks constant is called for each object', () => {
  class Inner {
    @IsString() name!: string;
  }
  let target: PayloadClass<object> = Inner;
  class Outer {
    @ValidateNested() @Type(() => target) @IsObject() it!: object;
    @ValidateNested({ each: true })
    @Type(({ object } = { object: {} } as never) => ((object as { as?: string }).as === 'x' ? Address : Inner))
    @IsOptional()
    all?: object[];
    @Allow() as?: string;
  }
  const accept = accepting(Outer);
  const isAccepted = (plain: object): boolean => accept(plain) !== undefined;
  expect(isAccepted({ it: { name: 'x' }, all: [{ name: 'y' }] })).toBe(true);
  expect(isAccepted({ it: { name: 'x' }, all: [{ name: 'y' }], as: 'x' })).toBe(false);
  target = Address;
  expect(isAccepted({ it: { name: 'x' } })).toBe(false);
});

it('names with special characters of source code are only names', () => {
  const names = ['a"b', 'a\\', '`${process.exit()}`', '\u2028', '"];throw 1;//', 'default', '0', '-1', ''];
  class Odd {}
  for (const name of names) IsString()(Odd.prototype, name);
  Object.defineProperty(Odd, 'name', { value: '"+process.exit()+"' });
  const text = JSON.stringify(Object.fromEntries(names.map((name) => [name, 'x'])));
  expect(accepted(Odd, text)).toBe(true);
});

it('a property that is added to Object.prototype later is not data', () => {
  class Late {
    @Allow() @IsOptional() polluted?: string;
  }
  const accept = accepting(Late);
  Object.defineProperty(Object.prototype, 'polluted', { value: 'x', enumerable: true, configurable: true });
  const keys = Object.keys(accept({})!);
  delete (Object.prototype as { polluted?: string }).polluted;
  expect(keys).toEqual([]);
});
