/** The compiled validator calls the user's own rules in the same way as class-validator. */
import 'reflect-metadata';
import { Type } from 'class-transformer';
import {
  IsArray,
  IsInt,
  IsOptional,
  IsString,
  registerDecorator,
  useContainer,
  Validate,
  ValidateBy,
  ValidateIf,
  ValidateNested,
  ValidatorConstraint,
  type ValidationArguments,
  type ValidationOptions,
} from 'class-validator';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { payloadType } from '../../src/payload/payload-type.js';
import { accepted, accepting } from './compare.js';
import { sync } from './payloads.js';

const rule = (
  validate: (value: unknown, args?: ValidationArguments) => unknown,
  options?: ValidationOptions,
): PropertyDecorator => ValidateBy({ name: 'custom', validator: { validate: validate as () => boolean } }, options);

describe('rules of the user', () => {
  const asked: [string, unknown, (ValidationArguments | undefined)?][] = [];
  const note = (name: string, options?: ValidationOptions): PropertyDecorator =>
    rule((value, args) => (asked.push([name, value, args]), true), options);
  beforeEach(() => void asked.splice(0));
  // class-validator calls a rule with this name before all others.
  const defined = ValidateBy({
    name: 'isDefined',
    validator: { validate: (value) => (asked.push(['defined', value]), true) },
  });
  class Inner {
    @note('inner') it!: string;
  }
  class Noted {
    @defined @note('second') @note('first') @IsOptional() b?: string;
    @note('each', { each: true }) @note('nested') @ValidateNested({ each: true }) @Type(() => Inner) a!: Inner[];
    @note('key first') 3!: string;
    @ValidateIf(() => (asked.push(['if 2', 0]), true))
    @ValidateIf(() => (asked.push(['if 1', 0]), false))
    @note('never')
    c?: string;
  }

  it('are called in the same order and with the same arguments as by class-validator', () => {
    const text = '{"a":[{"it":"x"},{"it":"y"}],"3":"three","c":"z","b":"b"}';
    void payloadType<Noted>(Noted, { validation: 'class-validator' }).decode(text);
    const right = asked.splice(0);
    expect(right).toHaveLength(11);
    accepting(Noted)(JSON.parse(text));
    expect(asked.splice(0)).toEqual(right);
  });

  it('may keep their arguments, and may validate other objects meanwhile', () => {
    const kept: ValidationArguments[] = [];
    class Tree {
      @rule((value, args) => {
        kept.push(args!);
        // It validates its own class, inside its own call.
        if (value === 'outer') expect(accepting(Tree)({ name: 'inner' })).toBeDefined();
        return args!.value === value && (args!.object as Tree).name === value;
      })
      name!: string;
    }
    expect(accepting(Tree)({ name: 'outer' })).toBeDefined();
    expect(new Set(kept).size).toBe(kept.length);
  });

  it('that change their values change neither the text nor the values that class-validator gets later', () => {
    class Greedy {
      @rule((value) => (value as unknown[]).pop() === 'last') @IsArray() list!: unknown[];
      @rule((value) => delete (value as { a?: number }).a && Object.keys(value as object).length > 0) open!: object;
      @IsInt() last!: number;
    }
    expect(accepted(Greedy, '{"list":["a","last"],"open":{"a":1,"b":2},"last":1}')).toBe(true);
    const plain = { list: ['a', 'last'], open: { a: 1, b: 2 }, last: 'x' };
    expect(accepting(Greedy)(plain)).toBeUndefined();
    expect(plain).toEqual({ list: ['a', 'last'], open: { a: 1, b: 2 }, last: 'x' });
  });

  it('must return true, and may throw', () => {
    for (const answer of [1, 'yes', {}, null, undefined]) {
      class Vague {
        @rule(() => answer) it!: string;
      }
      expect(accepting(Vague)({ it: 'x' })).toBeUndefined();
      class Each {
        @rule(() => answer, { each: true }) it!: string[];
      }
      expect(accepted(Each, '{"it":["x"]}')).toBe(false);
      expect(accepted(Each, '{"it":[]}')).toBe(true);
    }
    class Throwing {
      @rule(() => {
        throw new Error('no');
      })
      it!: string;
    }
    expect(accepted(Throwing, '{"it":"x"}')).toBe(false);
    expect(() => sync(Throwing).take('{"it":"x"}')).toThrow('threw Error (see the cause)');
  });
});

describe('rules that return a promise but are not declared as async', () => {
  const rejected: unknown[] = [];
  const note = (reason: unknown): void => void rejected.push(reason);

  beforeEach(() => void process.on('unhandledRejection', note));
  afterEach(() => void process.off('unhandledRejection', note));

  it('are called once without use, and a rejection does not end the process', async () => {
    let asked = 0;
    class Quiet {
      @rule(async (value) => (asked++, value === 'x' || Promise.reject(new Error('away')))) it!: string;
    }
    const type = payloadType<Quiet>(Quiet);
    for (const name of ['y', 'x', 'y']) await Promise.resolve(type.decode(`{"it":"${name}"}`)).catch(() => {});
    expect(asked).toBe(4);
    await new Promise(setImmediate);
    expect(rejected).toEqual([]);
  });
});

describe('rules from a container', () => {
  class Door {
    constructor(private readonly key: string) {}
    validate(value: unknown): boolean {
      return value === this.key;
    }
  }
  const Constraint = Door as unknown as new () => Door;
  ValidatorConstraint()(Constraint);
  class House {
    @Validate(Constraint) @IsString() key!: string;
  }
  const use = (key: string): void =>
    useContainer(
      { get: (cls: unknown) => (cls === Constraint ? new Door(key) : undefined) as never },
      { fallback: true },
    );
  afterEach(() => useContainer(undefined as never));

  it('are those of the current container', () => {
    use('a');
    const accept = accepting(House);
    const type = payloadType<House>(House);
    for (const key of ['a', 'b']) {
      use(key);
      expect([accept({ key: 'a' }), accept({ key: 'b' })].map((made) => made?.key)).toEqual(
        key === 'a' ? ['a', undefined] : [undefined, 'b'],
      );
      expect(type.decode(`{"key":"${key}"}`)).toBeInstanceOf(House);
    }
  });
});

it('rules of registerDecorator are applied', () => {
  class Registered {
    name!: string;
  }
  registerDecorator({
    name: 'short',
    target: Registered,
    propertyName: 'name',
    options: {},
    constraints: [3],
    validator: { validate: (value: string, args) => value.length < (args!.constraints[0] as number) },
  });
  expect([accepted(Registered, '{"name":"ab"}'), accepted(Registered, '{"name":"abc"}')]).toEqual([true, false]);
});
