/** Validation without class-validator: what the compiled validator accepts, and what it leaves to class-validator. */
import 'reflect-metadata';
import { Exclude, Expose, Transform, Type } from 'class-transformer';
import {
  Allow,
  IsDate,
  IsInt,
  IsNumber,
  IsOptional,
  IsString,
  Validate,
  ValidateBy,
  ValidateIf,
  ValidateNested,
  ValidatePromise,
  ValidatorConstraint,
} from 'class-validator';
import { describe, expect, it } from 'vitest';
import { compile } from '../../src/payload/compiled/compile.js';
import { payloadType, type PayloadClass } from '../../src/payload/payload-type.js';
import { rules } from '../../src/payload/rules.js';
import { aChild } from '../support/child.js';
import { accepted, accepting } from './compare.js';
import { Address, Order, sync } from './payloads.js';

const good =
  '{"to":"ann@example.org","extra":{"a":[1,{"b":null}]},"address":{"city":"Bern"},"sizes":[{"width":1}],"at":"2020-01-01","retries":2}';

describe('it accepts', () => {
  class Typed {
    @IsNumber() @Type(() => Number) number!: number;
    @IsDate({ each: true }) @Type(() => Date) @IsOptional() dates?: (Date | null)[];
    @ValidateIf(({ number }: Typed) => number > 5) @IsString({ each: true }) names?: string[];
  }
  class Urgent extends Order {
    @IsString({ groups: ['any'] }) why!: string;
    cache = new Map([['not', 'judged']]);
  }
  class Node {
    @IsString() name!: string;
    @ValidateNested() @Type(() => Node) @IsOptional() next?: Node | null;
    @ValidateNested({ each: true }) @Type(() => Node) @IsOptional() all?: Node[];
  }
  const Bare = rules(
    class Bare {
      to!: string;
      inner?: Address;
    },
    { to: IsString(), inner: [ValidateNested(), Type(() => Address)] },
  );

  it.each<[PayloadClass<object>, string]>([
    [Order, good],
    [Order, '{"to":"ann@example.org"}'],
    [Order, '{"to":"ann@example.org","address":null,"sizes":null,"at":null}'],
    [Typed, '{"number":"3","dates":[0,"2020-01-01"]}'],
    [Typed, '{"number":7,"names":["a"]}'],
    [Urgent, '{"why":"","to":"ann@example.org"}'],
    [Node, '{"name":"a","next":{"name":"b","next":null},"all":[{"name":"c","all":[]}]}'],
    [Bare, '{"to":"x","inner":{"city":"Bern"}}'],
  ])('%o: %s', (cls, text) => {
    expect(accepted(cls, text)).toBe(true);
  });
});

describe('it declines a class that it cannot compile', () => {
  const one = (...decorators: PropertyDecorator[]): PayloadClass<object> =>
    rules(
      class Some {
        it?: unknown;
      },
      { it: decorators },
    );
  @ValidatorConstraint({ async: true })
  class Later {
    validate = (): Promise<boolean> => Promise.resolve(true);
  }
  class Method {
    @Allow() name(): void {}
  }
  class Setter {
    @Allow() set name(_: string) {
      /* nothing is kept */
    }
  }
  class Inherited extends Method {
    @IsString() other!: string;
  }
  class Symbolic {
    @IsString() name!: string;
  }
  Allow()(Symbolic.prototype, Symbol('name'));
  class Reserved {}
  Allow()(Reserved.prototype, 'toString');
  class Proto {}
  Allow()(Proto.prototype, '__proto__');
  const mapped = one(
    Allow(),
    Type(() => Date),
  );
  class Mapped {
    @IsOptional() @Type(() => Date) dates?: Map<string, Date>;
  }
  const throws = (): never => {
    throw new ReferenceError('not there yet');
  };

  it.each<[PayloadClass<object>, RegExp]>([
    [
      rules(
        class Two {
          a?: unknown;
          b?: unknown;
        },
        { a: [Allow(), Expose({ name: 'b' })], b: Allow() },
      ),
      /class-transformer may confuse/,
    ],
    [one(Allow(), Expose({ name: 'c', groups: ['g'] })), /class-transformer may confuse/],
    [one(Allow(), Expose({ name: 'c' }), Exclude()), /class-transformer may confuse/],
    [
      one(
        ValidateNested(),
        Type(() => Address, { discriminator: { property: 'kind', subTypes: [{ value: Address, name: 'a' }] } }),
      ),
      /discriminator/,
    ],
    [
      one(
        ValidateNested(),
        Type((help) => (help?.object['kind'] === 'a' ? Address : Order)),
      ),
      /type that depends on the object/,
    ],
    [
      one(
        ValidateNested(),
        Type(() => Date),
      ),
      /does not match its rules/,
    ],
    [one(ValidateNested()), /without @Type/],
    [
      one(
        ValidateNested(),
        Type(() => undefined as never),
      ),
      /not a class/,
    ],
    [one(ValidateNested(), Type(throws)), /it threw.*not there yet/],
    [one(ValidatePromise()), /promiseValidation/],
    [one(Validate(Later)), /asynchronous/],
    [Method, /is a method, a value/],
    [Setter, /is a method, a value/],
    [Inherited, /is a method, a value/],
    [Symbolic, /symbol/],
    [Reserved, /toString is a property of all objects/],
    [Proto, /__proto__ is a property of all objects/],
    [Mapped, /not an array/],
    [class None {}, /no rules/],
  ])('%o', (cls, reason) => {
    expect(compile(cls).declined).toMatch(reason);
  });

  it('and class-validator validates the class', () => {
    expect(compile(mapped).declined).toBeUndefined();
    const type = sync(
      one(
        IsInt(),
        Transform(({ value }) => Number(value), { toClassOnly: true }),
      ),
    );
    expect(type.take('{"it":"7"}')).toEqual({ it: 7 });
    expect(() => type.take('{"it":"x"}')).toThrow('it: must be an integer');
  });
});

describe('it does not accept unusual data', () => {
  const order = (rest: object): unknown => ({ to: 'a@b.co', ...rest });
  class Other {
    city = 'Bern';
  }
  it.each<[string, unknown]>([
    ['null', null],
    ['an array', [order({})]],
    ['a string', 'x'],
    ['an instance', Object.assign(new Order(), { to: 'a@b.co' })],
    ['no prototype', Object.assign(Object.create(null) as object, { to: 'a@b.co' })],
    ['a broken rule', order({ retries: 11 })],
    ['a missing key', {}],
    ['an unknown key', order({ cc: 'x' })],
    ['a key that all objects have', order({ hasOwnProperty: 1 })],
    ['__proto__', JSON.parse('{"to":"a@b.co","__proto__":{"retries":1}}')],
    ['undefined', order({ retries: undefined })],
    ['an array for an object', order({ address: [] })],
    ['an object for an array', order({ sizes: { width: 1 } })],
    ['an array of arrays', order({ sizes: [[{ width: 1 }]] })],
    ['null in an array', order({ sizes: [null] })],
    ['a hole', order({ sizes: new Array(1) })],
    ['an unknown key further down', order({ sizes: [{ width: 1, height: 1 }] })],
    ['a nested instance', order({ address: new Other() })],
    ['a nested scalar', order({ address: 'Bern' })],
    ['a Date instance', order({ at: new Date() })],
    ['text that is not a date', order({ at: 'soon' })],
    ['a boolean for a Date', order({ at: true })],
    ['an open key that class-transformer drops', order({ extra: { toString: 1 } })],
    ['an open __proto__', order({ extra: JSON.parse('{"__proto__":{"admin":true}}') as unknown })],
    ['an open constructor', order({ extra: [{ constructor: 1 }] })],
    ['an open undefined', order({ extra: { a: undefined } })],
    ['an open hole', order({ extra: { a: new Array(1) } })],
    ['an open Date', order({ extra: { a: new Date() } })],
    ['an open function', order({ extra: { a: () => 1 } })],
    ['1,001 open keys', order({ extra: Object.fromEntries(Array.from({ length: 1001 }, (_, i) => [`k${i}`, i])) })],
    [
      'more levels than the stack allows',
      order({ extra: JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`) as unknown }),
    ],
  ])('%s', (_, value) => {
    expect(accepting(Order)(value)).toBeUndefined();
  });
});

it('validation: class-validator switches it off, and so does a custom serializer', () => {
  let asked = 0;
  class Counted {
    @ValidateBy({ name: 'counted', validator: { validate: (value) => (asked++, value === 'x') } }) name!: string;
  }
  const askedBy = (type: ReturnType<typeof payloadType<Counted>>): number => {
    asked = 0;
    expect(() => type.decode('{"name":"y"}')).toThrow('not a valid Counted');
    return asked;
  };
  // class-validator alone calls the rule once. With the compiled validator, both call it.
  expect(askedBy(payloadType<Counted>(Counted, { validation: 'class-validator' }))).toBe(1);
  expect(askedBy(payloadType<Counted>(Counted))).toBe(2);
  expect(
    askedBy(
      payloadType<Counted>(Counted, {
        serializer: { dumps: JSON.stringify, loads: (text) => JSON.parse(text) as unknown },
      }),
    ),
  ).toBe(1);
});

it('leaves all payloads to class-validator where code generation is forbidden', async () => {
  const child = aChild(
    `import { IsInt, ValidateNested } from 'class-validator';
     import { Type } from 'class-transformer';
     import { compile } from '../../src/payload/compiled/compile.js';
     import { payloadType } from '../../src/payload/payload-type.js';
     class Size { @IsInt() width!: number; }
     class Mail { @ValidateNested() @Type(() => Size) size!: Size; }
     console.log(compile(Mail).declined);
     const type = payloadType(Mail);
     console.log(type.decode('{"size":{"width":1}}').size instanceof Size);
     try { type.decode('{"size":{"width":"x"}}'); } catch (error) { console.log(error.violations[0].path); }`,
    { NODE_OPTIONS: '--disallow-code-generation-from-strings' },
  );
  expect(await child.ended, child.stderr).toBe(0);
  expect(child.lines).toEqual([expect.stringMatching(/EvalError/), 'true', 'size.width']);
});
