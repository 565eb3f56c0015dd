/**
 * Rules of class-validator that the compiled validator tests by itself. Each test must accept only what the rule accepts,
 * and must never replace a rule of the user.
 */
/* eslint-disable @typescript-eslint/unbound-method -- functions of rules and of Error are compared and put back */
import 'reflect-metadata';
import * as validator from 'class-validator';
import {
  getMetadataStorage,
  IsArray,
  IsBoolean,
  IsEmail,
  IsEnum,
  IsIn,
  IsNumber,
  IsOptional,
  IsString,
  Length,
  Max,
  MaxLength,
  Min,
  MinLength,
  registerDecorator,
  ValidateBy,
  ValidateIf,
  type ValidationArguments,
  type ValidatorConstraintInterface,
} from 'class-validator';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { rulesOf } from '../../src/payload/class-rules.js';
import { isBuiltIn, isOptionalOf } from '../../src/payload/compiled/built-in.js';
import { shortcutOf } from '../../src/payload/compiled/shortcuts.js';
import { accepted, accepting } from './compare.js';

type Test = (value: unknown) => boolean;

/** The rule of a decorator, as class-validator stores it. */
function ruleOf(decorator: PropertyDecorator): {
  name: string;
  instance: ValidatorConstraintInterface;
  constraints: unknown[];
} {
  class Some {}
  decorator(Some.prototype, 'it');
  const [rule] = rulesOf(Some);
  const [constraint] = getMetadataStorage().getTargetValidatorConstraints(rule!.constraintCls);
  return {
    name: constraint!.name,
    instance: constraint!.instance,
    constraints: (rule!.constraints as unknown[]) ?? [],
  };
}

/** The test that the generated code contains. `undefined` if the code has to call the rule. */
function testOf(decorator: PropertyDecorator): Test | undefined {
  const { name, instance, constraints } = ruleOf(decorator);
  if (!isBuiltIn(name, instance)) return undefined;
  const values: unknown[] = [];
  const constant = (value: unknown): string => `k[${values.push(value) - 1}]`;
  const text = shortcutOf(name, 'v', constraints, constant);
  if (text === undefined) return undefined;
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- as the generated code does
  const make = new Function('k', 'isArray', `return (v) => ${text};`) as (...given: unknown[]) => Test;
  return make(values, Array.isArray);
}

function verdictOf(decorator: PropertyDecorator): Test {
  const { instance, constraints } = ruleOf(decorator);
  return (value) => {
    try {
      return instance.validate(value, { constraints } as ValidationArguments) === true;
    } catch {
      return false;
    }
  };
}

const symbol = Symbol('a');
const strange: unknown[] = [
  undefined,
  null,
  true,
  false,
  0,
  -0,
  1,
  -1,
  1.5,
  1e308,
  2 ** 53,
  NaN,
  Infinity,
  -Infinity,
  10n,
  symbol,
  '',
  'a',
  'ab',
  'abc',
  'a\nb',
  'é',
  '\uFE0F',
  'a\uFE0F',
  '😀',
  '😀\uFE0F',
  '\uD83D',
  '\u0000',
  '1',
  'red',
  'toString',
  '__proto__',
  [],
  ['a'],
  new Array(1),
  {},
  { length: 2 },
  new String('a'),
  new Number(1),
  new Boolean(true),
  new Date(0),
  new Set(['a']),
  new Proxy([], {}),
  Object.create(null),
  () => true,
];

enum Colour {
  red = 'r',
  green = 'g',
}
enum Level {
  low,
  high,
}
const decorators: [string, PropertyDecorator][] = [
  ['IsString', IsString()],
  ['IsBoolean', IsBoolean()],
  ['IsArray', IsArray()],
  ['IsNumber', IsNumber()],
  ['IsNumber with empty options', IsNumber({ allowNaN: false })],
  ['IsNumber with other options', IsNumber({ allowNaN: true, allowInfinity: true })],
  ['IsNumber with maxDecimalPlaces', IsNumber({ maxDecimalPlaces: 0 })],
  ...[0, -0, 1, 2, -1.5, NaN, Infinity, -Infinity].flatMap((limit): [string, PropertyDecorator][] => [
    [`Min ${limit}`, Min(limit)],
    [`Max ${limit}`, Max(limit)],
    [`MinLength ${limit}`, MinLength(limit)],
    [`MaxLength ${limit}`, MaxLength(limit)],
    [`Length ${limit}`, Length(limit)],
    [`Length ${limit}, 2`, Length(limit, 2)],
    [`Length 1, ${limit}`, Length(1, limit)],
  ]),
  ['IsIn', IsIn(['a', 1, null, symbol, NaN])],
  ['IsIn with a hole', IsIn(new Array(2))],
  ['IsIn with undefined', IsIn([undefined])],
  ['IsEnum of texts', IsEnum(Colour)],
  ['IsEnum of numbers', IsEnum(Level)],
  ['IsEnum of strange values', IsEnum({ a: undefined, b: NaN, c: null, d: symbol })],
  [
    'IsEnum with inherited values',
    IsEnum(Object.create({ up: 'a' }, { own: { value: 'ab', enumerable: true } }) as object),
  ],
  ['IsEnum of an array', IsEnum(['a', 'ab'])],
  ['IsEmail', IsEmail()],
];

describe('the test of a rule accepts only what the rule accepts', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 6 }),
    fc.string({ unit: fc.constantFrom('a', '\uFE0F', '\uD83D', '\uDE00', 'é', '\uFE0E', '\n'), maxLength: 6 }),
  );
  const value = fc.oneof(
    fc.constantFrom(...strange),
    text,
    fc.double(),
    fc.integer({ min: -3, max: 3 }),
    fc.anything(),
  );

  it.each(decorators)('%s', (name, decorator) => {
    const test = testOf(decorator);
    const verdict = verdictOf(decorator);
    expect(test).toBeDefined();
    const check = (given: unknown): void => {
      if (test!(given) && !verdict(given)) throw new Error(`${name} does not accept this value: ${String(given)}`);
    };
    for (const given of strange) check(given);
    fc.assert(fc.property(value, check), { numRuns: 500 });
  });

  it('and the tests are not always false', () => {
    const ordinary: [PropertyDecorator, unknown][] = [
      [IsString(), ''],
      [IsBoolean(), false],
      [IsArray(), []],
      [IsNumber(), -1.5],
      [Min(1), 1],
      [Max(1), 1],
      [MinLength(2), 'ab'],
      [MaxLength(2), 'ab'],
      [MaxLength(2), 'éé'],
      [Length(1), 'ab'],
      [Length(1, 2), 'ab'],
      [IsIn(['a', 1]), 1],
      [IsEnum(Colour), 'g'],
      [IsEnum(Level), 1],
      [IsEmail(), 'ann.b+c@example.org'],
    ];
    for (const [decorator, given] of ordinary) expect([given, testOf(decorator)?.(given)]).toEqual([given, true]);
  });
});

describe('e-mail addresses', () => {
  const test = testOf(IsEmail())!;
  const verdict = verdictOf(IsEmail());
  const label = (size: number): string => 'x'.repeat(size);
  const part = fc.oneof(
    fc.string({
      unit: fc.constantFrom('a', 'Z', '0', '-', '_', '.', '+', 'é', ' ', '"', "'", '\n', '@'),
      maxLength: 8,
    }),
    fc.constantFrom('com', 'co', 'c', '1', 'x1', 'xn--a', '[1.2.3.4]', '', label(62), label(63), label(64), label(65)),
  );

  it('are accepted only if class-validator accepts them', () => {
    const address = fc
      .tuple(fc.array(part, { minLength: 1, maxLength: 3 }), fc.array(part, { minLength: 1, maxLength: 5 }))
      .map(([local, domain]) => `${local.join('.')}@${domain.join('.')}`);
    fc.assert(
      fc.property(address, (given) => !test(given) || verdict(given)),
      { numRuns: 20_000 },
    );
  });

  it.each([
    ['a@b.co', true],
    ['a.b-c_d+e@mail.example.org', true],
    ['-@0.co', true],
    [`${label(64)}@b.co`, true],
    [`${label(65)}@b.co`, false],
    [`a@${label(63)}.co`, true],
    [`a@${label(64)}.co`, false],
    [`a@b.${label(63)}`, true],
    [`a@b.${label(64)}`, false],
    [`a@${`${label(61)}.`.repeat(4)}co`, true],
    [`a@${`${label(61)}.`.repeat(4)}com.co`, false],
    [`${label(60)}@${`${label(62)}.`.repeat(3)}com`, true],
    [`${label(62)}@${`${label(62)}.`.repeat(3)}com`, false],
    ['.a@b.co', false],
    ['a.@b.co', false],
    ['a..b@b.co', false],
    ['a@b', false],
    ['a@b.c', false],
    ['a@b.1', false],
    ['a@-b.co', false],
    ['a@b-.co', false],
    ['a@b..co', false],
    ['a@b_c.co', false],
    ['a@b.co\n', false],
    ['a@b@c.co', false],
    ['@b.co', false],
    ['é@b.co', false],
    ['"a"@b.co', false],
  ])('%s', (address, isPlain) => {
    expect(test(address)).toBe(isPlain);
    if (isPlain) expect(verdict(address)).toBe(true);
  });

  it('that are unusual are left to the rule, not to class-validator as a whole', () => {
    let calls = 0;
    class Mail {
      @IsEmail() to!: string;
      @ValidateBy({ name: 'counted', validator: { validate: () => (calls++, true) } }) other!: string;
    }
    expect(accepted(Mail, '{"to":"é@b.co","other":""}')).toBe(true);
    // Once for the compiled validator, and once for class-validator, to compare.
    expect(calls).toBe(2);
  });

  it('with options are left to the rule', () => {
    for (const options of [{}, { allow_ip_domain: true }, { host_blacklist: ['b.co'] }, { blacklisted_chars: 'a' }])
      expect(testOf(IsEmail(options))).toBeUndefined();
    class Mail {
      @IsEmail({ host_blacklist: ['b.co'] }) to!: string;
    }
    expect([accepted(Mail, '{"to":"a@b.co"}'), accepted(Mail, '{"to":"a@c.co"}')]).toEqual([false, true]);
  });
});

describe('a rule of the user is never replaced', () => {
  const names = decorators
    .map(([, decorator]) => ruleOf(decorator).name)
    .filter((name, index, all) => all.indexOf(name) === index);
  const exported = validator as unknown as Record<string, (...args: unknown[]) => boolean>;
  const functionOf = (name: string): ((...args: unknown[]) => boolean) =>
    exported[name === 'isLength' ? 'length' : name]!;

  it('also not with the same name, and with the function that class-validator exports', () => {
    expect(names).toHaveLength(12);
    for (const name of names) {
      const own = functionOf(name);
      const rules: PropertyDecorator[] = [
        ValidateBy({ name, constraints: [0, 1], validator: { validate: () => false } }),
        ValidateBy({
          name,
          constraints: [0, 1],
          validator: { validate: (value, args) => own(value, ...((args?.constraints ?? []) as unknown[])) },
        }),
        // The text of class-validator's own rule.
        ValidateBy({
          name,
          constraints: [0, 1],
          validator: { validate: (value, args) => own(value, args?.constraints[0]) && value !== 'a' },
        }),
        ValidateBy({
          name,
          constraints: [0, 1],
          validator: {
            validate: () => {
              throw new TypeError("Cannot perform 'get' on a proxy that has been revoked");
            },
          },
        }),
      ];
      for (const rule of rules) expect(testOf(rule)).toBeUndefined();
    }
  });

  it('also not if it has the same source text', () => {
    const real = IsString.toString();
    // A copy of the file of the decorator in an application, with another function of the same name.
    const copied = (isString: (value: unknown) => boolean): PropertyDecorator =>
      ValidateBy({
        name: 'isString',
        // eslint-disable-next-line @typescript-eslint/no-unused-vars -- this is the text of class-validator
        validator: { validate: (value, args) => isString(value) },
      });
    expect(real).toContain('validate: (value, args) => isString(value)');
    const rule = copied((value) => value instanceof String || value === 'only this');
    const text = (decorator: PropertyDecorator): string => String(ruleOf(decorator).instance.validate);
    expect(text(rule)).toBe(text(IsString()));
    expect(testOf(rule)).toBeUndefined();
    class Copied {
      @rule it!: string;
    }
    expect([accepted(Copied, '{"it":"x"}'), accepted(Copied, '{"it":"only this"}')]).toEqual([false, true]);
  });

  it('also not if it calls a rule of class-validator in a wrapper', () => {
    for (const [, decorator] of decorators) {
      const { name, instance, constraints } = ruleOf(decorator);
      class Wrapped {}
      const validators: ValidatorConstraintInterface[] = [
        instance,
        { validate: (value, args) => instance.validate(value, args) !== true },
        { validate: instance.validate.bind(instance, 'fixed') as () => boolean },
      ];
      for (const inner of validators) {
        registerDecorator({ name, constraints, target: Wrapped, propertyName: 'it', options: {}, validator: inner });
      }
      for (const rule of rulesOf(Wrapped)) {
        const [constraint] = getMetadataStorage().getTargetValidatorConstraints(rule.constraintCls);
        expect(isBuiltIn(constraint!.name, constraint!.instance)).toBe(false);
      }
    }
  });

  it('and a rule with another name is not called before the first payload', () => {
    let calls = 0;
    class Counted {
      @ValidateIf(() => (calls++, true))
      @ValidateBy({ name: 'counted', validator: { validate: () => (calls++, true) } })
      it!: string;
    }
    accepting(Counted);
    expect(calls).toBe(0);
  });
});

describe('values of the user that change later', () => {
  it('are read for each payload', () => {
    const kinds: Record<string, string> = { a: 'a', b: 'b' };
    const values = ['a', 'b'];
    const options: { maxDecimalPlaces?: number } = {};
    class Changing {
      @IsEnum(kinds) @IsOptional() kind?: string;
      @IsIn(values) @IsOptional() value?: string;
      @IsNumber(options) @IsOptional() number?: number;
    }
    const accept = accepting(Changing);
    const answers = (): boolean[] =>
      [{ kind: 'a' }, { kind: 'b' }, { value: 'a' }, { value: 'b' }, { number: 1.5 }].map(
        (plain) => accept(plain) !== undefined,
      );
    expect(answers()).toEqual([true, true, true, true, true]);
    delete kinds['b'];
    values.pop();
    options.maxDecimalPlaces = 0;
    expect(answers()).toEqual([true, false, true, false, false]);
  });

  it('and lists with a method of their own are left to the rule', () => {
    const none = Object.assign(['a'], { some: () => false });
    expect(testOf(IsIn(none))).toBeUndefined();
    class Never extends Array<string> {
      override some(): boolean {
        return false;
      }
    }
    expect(testOf(IsIn(Never.from(['a'])))).toBeUndefined();
  });
});

describe('IsOptional', () => {
  const conditionOf = (decorator: PropertyDecorator): Parameters<typeof isOptionalOf>[1] => {
    class Some {}
    decorator(Some.prototype, 'it');
    return rulesOf(Some)[0]!;
  };

  it('is recognised only for its own property', () => {
    const rule = conditionOf(IsOptional());
    expect(isOptionalOf('it', rule)).toBe(true);
    expect(isOptionalOf('other', rule)).toBe(false);
  });

  it('is not taken for another condition', () => {
    const rule = conditionOf(ValidateIf((object: { it?: unknown }) => object.it !== null && object.it !== undefined));
    expect(isOptionalOf('it', rule)).toBe(false);
    expect(isOptionalOf('it', Object.assign(rule, { name: 'isOptional' }))).toBe(false);
  });

  it('reads the property from the object, as class-validator does', () => {
    class Odd {
      @IsOptional() @IsString() it?: string | null;
      constructor() {
        const answers = ['first', null];
        Object.defineProperty(this, 'it', { get: () => answers.shift(), configurable: true, enumerable: true });
      }
    }
    expect(accepting(Odd)({})).toBeDefined();
  });
});

describe('the settings of Error', () => {
  const { stackTraceLimit, prepareStackTrace } = Error;
  afterEach(() => void Object.assign(Error, { stackTraceLimit, prepareStackTrace }));

  it('are used and restored', () => {
    const prepare = vi.fn(() => 'a text');
    Object.assign(Error, { stackTraceLimit: 0, prepareStackTrace: prepare });
    expect(testOf(IsString())).toBeDefined();
    expect([Error.stackTraceLimit, Error.prepareStackTrace]).toEqual([0, prepare]);
    expect(prepare).not.toHaveBeenCalled();
  });
});
