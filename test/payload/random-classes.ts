import 'reflect-metadata';
import { Expose, Transform, Type } from 'class-transformer';
import {
  Allow,
  IsArray,
  IsBoolean,
  IsDate,
  IsDefined,
  IsEmail,
  IsEnum,
  IsIn,
  IsInt,
  IsNotEmpty,
  IsNumber,
  IsObject,
  IsOptional,
  IsString,
  Max,
  MaxLength,
  Min,
  ValidateBy,
  ValidateIf,
  ValidateNested,
  type ValidationOptions,
} from 'class-validator';

/** Random numbers from a seed (mulberry32). The same seed gives the same numbers, so that a failure can be repeated. */
export class Dice {
  constructor(private state: number) {}

  /** A number from 0 to 1, without 1. */
  roll(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  below = (n: number): number => Math.floor(this.roll() * n);
  chance = (likelihood: number): boolean => this.roll() < likelihood;
  pick = <V>(from: readonly V[]): V => from[this.below(from.length)]!;

  shuffled<V>(items: readonly V[]): V[] {
    return items
      .map((item) => [this.roll(), item] as const)
      .sort(([a], [b]) => a - b)
      .map(([, item]) => item);
  }
}

enum Colour {
  red = 'r',
  green = 'g',
}

export interface Kind {
  readonly name: string;
  /** Relative frequency. */
  readonly weight: number;
  readonly decorators: (dice: Dice, cls: Subject) => PropertyDecorator[];
  /** Value of `design:type` that a compiler emits; `undefined` for none. */
  readonly declared?: unknown;
  readonly good: (dice: Dice, depth: number, cls: Subject) => unknown;
  /** Initial values to choose from. */
  readonly defaults?: readonly unknown[];
}

/** A random class, with the description of its properties. */
export interface Subject {
  readonly cls: new () => object;
  readonly parent: Subject | undefined;
  readonly properties: {
    readonly name: string;
    /** Its name in plain data, if that differs. */
    wireName?: string;
    readonly kind: Kind;
    readonly isOptional: boolean;
    readonly other: Subject;
  }[];
}

const custom = (
  validate: (value: unknown, object: object) => unknown,
  options?: ValidationOptions,
): PropertyDecorator =>
  ValidateBy(
    {
      name: 'custom',
      validator: {
        validate: ((value: unknown, args: { object: object }) => validate(value, args.object)) as () => boolean,
      },
    },
    options,
  );
const words = ['a', 'b c', '', 'é', 'x'.repeat(12), '<', 'a@b.co'];
const open = (dice: Dice, depth: number): unknown =>
  depth > 3 || dice.chance(0.5)
    ? dice.pick<unknown>([1, 'x', null, true, -0])
    : dice.chance(0.5)
      ? Array.from({ length: dice.below(3) }, () => open(dice, depth + 1))
      : Object.fromEntries(
          Array.from({ length: dice.below(3) }, () => [
            dice.pick([...words, '7', 'prototypes']),
            open(dice, depth + 1),
          ]),
        );
const list = (dice: Dice, item: () => unknown): unknown[] => Array.from({ length: dice.below(4) }, item);
const dates = [0, 1e12, '2020-01-01', '2020-02-30T00:00:00Z', 'May 4 2020'];

/** A random payload of a class. It is usually valid. */
export function payloadOf(subject: Subject, dice: Dice, depth = 0): Record<string, unknown> {
  const own = subject.properties.filter(
    ({ isOptional, kind }) =>
      !(isOptional && dice.chance(0.3 + depth / 5)) && (depth < 4 || !kind.name.startsWith('nested')),
  );
  const entries = own.map(
    ({ name, wireName = name, kind, other }) => [wireName, kind.good(dice, depth + 1, other)] as const,
  );
  const inherited = subject.parent ? Object.entries(payloadOf(subject.parent, dice, depth)) : [];
  return Object.fromEntries(dice.shuffled([...inherited, ...entries]));
}

const nestedIn = (dice: Dice, other: Subject, options?: ValidationOptions): PropertyDecorator[] =>
  dice.chance(0.03)
    ? [ValidateNested(options), Type(() => other.cls), Transform(({ value }) => value as unknown)]
    : [ValidateNested(options), Type(() => other.cls)];

const kinds: readonly Kind[] = [
  {
    name: 'string',
    weight: 6,
    decorators: () => [IsString(), MaxLength(10)],
    declared: String,
    good: (dice) => dice.pick(words),
    defaults: ['d', 7],
  },
  {
    name: 'text',
    weight: 2,
    decorators: () => [IsNotEmpty(), IsString({ groups: ['some'] })],
    good: (dice) => dice.pick(words),
  },
  {
    name: 'email',
    weight: 2,
    decorators: () => [IsEmail()],
    good: (dice) => dice.pick(['a@b.co', 'ann.b@example.org', 'a@b']),
  },
  {
    name: 'integer',
    weight: 5,
    decorators: () => [IsInt(), Min(0), Max(10)],
    declared: Number,
    good: (dice) => dice.pick([0, 1, 10, 5, -0, 5]),
    defaults: [3, -1],
  },
  {
    name: 'boolean',
    weight: 2,
    decorators: () => [IsBoolean()],
    declared: Boolean,
    good: (dice) => dice.chance(0.5),
    defaults: [true],
  },
  {
    name: 'enum',
    weight: 2,
    decorators: () => [IsEnum(Colour)],
    good: (dice) => dice.pick(['r', 'g']),
    defaults: ['r'],
  },
  {
    name: 'each',
    weight: 3,
    decorators: () => [IsString({ each: true }), IsNotEmpty({ each: true })],
    declared: Array,
    good: (dice) => list(dice, () => dice.pick(['a', 'b', 'a', ''])),
    defaults: [new Set(['']), new Set(['a']), ['x'], new Map([['k', '']])],
  },
  {
    name: 'in each',
    weight: 1,
    decorators: () => [IsIn(['a', 1], { each: true }), IsArray()],
    good: (dice) => list(dice, () => dice.pick(['a', 1])),
  },
  {
    name: 'open',
    weight: 2,
    decorators: () => [IsObject()],
    good: (dice) => ({ o: open(dice, 0) }),
    defaults: [{ any: 1 }],
  },
  { name: 'allowed', weight: 2, decorators: () => [Allow()], good: (dice) => open(dice, 0), defaults: [null] },
  {
    name: 'date',
    weight: 3,
    decorators: () => [IsDate(), Type(() => Date)],
    declared: Date,
    good: (dice) => dice.pick(dates),
    defaults: [new Date(0)],
  },
  {
    name: 'dates',
    weight: 2,
    decorators: () => [IsDate({ each: true }), Type(() => Date)],
    declared: Array,
    good: (dice) => list(dice, () => dice.pick(dates)),
  },
  {
    name: 'number of text',
    weight: 2,
    decorators: () => [IsNumber(), Type(() => Number)],
    declared: Number,
    good: (dice) => dice.pick(['1', 2, '', true, 'x', null]),
  },
  {
    name: 'text of anything',
    weight: 1,
    decorators: () => [IsNotEmpty(), Type(() => String)],
    good: (dice) => dice.pick<unknown>(['1', 2, false]),
  },
  {
    name: 'nested',
    weight: 5,
    decorators: (dice, other) => nestedIn(dice, other),
    declared: Object.assign,
    good: (dice, depth, other) => payloadOf(other, dice, depth),
  },
  {
    name: 'nested, undeclared',
    weight: 2,
    decorators: (dice, other) => nestedIn(dice, other),
    good: (dice, depth, other) => (dice.chance(0.9) ? payloadOf(other, dice, depth) : [payloadOf(other, dice, depth)]),
  },
  {
    name: 'nested each',
    weight: 4,
    decorators: (dice, other) => [...nestedIn(dice, other, { each: true }), IsArray()],
    declared: Array,
    good: (dice, depth, other) => list(dice, () => payloadOf(other, dice, depth)),
  },
  { name: 'rule', weight: 3, decorators: () => [custom((value) => value !== 'b c')], good: (dice) => dice.pick(words) },
  {
    name: 'rule on all',
    weight: 2,
    decorators: () => [custom((value, object) => value !== (object as { a?: unknown }).a)],
    good: (dice) => dice.pick<unknown>([...words, 1, null]),
  },
  {
    name: 'vague rule',
    weight: 1,
    decorators: () => [custom((value) => (value === 'a' ? 1 : true))],
    good: (dice) => dice.pick(words),
  },
  {
    name: 'throwing rule',
    weight: 1,
    decorators: () => [
      custom((value) => {
        if (value === '') throw new Error('empty');
        return true;
      }),
    ],
    good: (dice) => dice.pick(words),
  },
  {
    name: 'quiet promise',
    weight: 0.3,
    decorators: () => [custom((value) => value === 'a' || Promise.resolve(true))],
    good: (dice) => dice.pick(words),
  },
  {
    name: 'declared promise',
    weight: 0.2,
    decorators: () => [
      ValidateBy({ name: 'later', async: true, validator: { validate: () => Promise.resolve(true) } }),
    ],
    good: () => 1,
  },
  { name: 'exposed', weight: 0.2, decorators: () => [Allow(), Expose({ name: 'elsewhere' })], good: () => 1 },
];
export const kindNames = kinds.map(({ name }) => name);
const totalWeight = kinds.reduce((sum, { weight }) => sum + weight, 0);

function kindBy(dice: Dice): Kind {
  let at = dice.roll() * totalWeight;
  return kinds.find(({ weight }) => (at -= weight) < 0) ?? kinds[0]!;
}

const conditions: readonly ((dice: Dice) => PropertyDecorator[])[] = [
  () => [IsOptional()],
  () => [IsOptional()],
  () => [IsOptional(), IsDefined()],
  () => [ValidateIf((object: { a?: unknown }) => object.a !== 'a'), IsOptional()],
  () => [ValidateIf((_, value) => value !== null && value !== undefined)],
];

/** @param earlier classes that it may contain or extend */
export function randomClass(dice: Dice, earlier: readonly Subject[]): Subject {
  const parent = earlier.length > 0 && dice.chance(0.2) ? dice.pick(earlier) : undefined;
  const initial: Record<string, unknown> = {};
  const base: new () => object = parent?.cls ?? Object;
  const cls = class Subject extends base {
    constructor() {
      super();
      Object.assign(this, initial);
    }
  };
  const subject: Subject = { cls, parent, properties: [] };
  const count = 1 + dice.below(5);
  for (const name of dice.shuffled(['a', 'b', 'c', 'd', 'e', '1', 'then', 'length']).slice(0, count)) {
    const kind = kindBy(dice);
    // Sometimes the class contains itself.
    const other = dice.chance(0.15) || earlier.length === 0 ? subject : dice.pick(earlier);
    const isOptional = dice.chance(0.5) || other === subject;
    const declared = kind.declared === Object.assign ? other.cls : kind.declared;
    if (declared !== undefined) Reflect.defineMetadata('design:type', declared, cls.prototype, name);
    for (const decorator of [
      ...kind.decorators(dice, other),
      ...(isOptional ? dice.pick(conditions)(dice) : []),
    ].reverse())
      decorator(cls.prototype, name);
    if (kind.defaults && dice.chance(0.3)) initial[name] = dice.pick(kind.defaults);
    subject.properties.push({ name, kind, isOptional, other });
  }
  return subject;
}
