import { Exclude, Expose, Transform, Type, type TransformFnParams } from 'class-transformer';
import { IsArray, IsEnum, IsNumber, IsObject, IsOptional, IsString, ValidateNested } from 'class-validator';
import { payloadOf, randomClass, type Dice, type Kind, type Subject } from './random-classes.js';

/** Calls of all transforms since the last look, with all that they got. */
let calls: unknown[][] = [];

/** Returns the calls of transforms since the last call of this function. */
export function transformCalls(): unknown[][] {
  const all = calls;
  calls = [];
  return all;
}

const logged =
  (transform: (params: TransformFnParams) => unknown) =>
  (params: TransformFnParams): unknown => {
    const { key, type, options } = params;
    calls.push([key, type, shown(options), shown(params.value), shown(params.obj), Object.keys(params).join()]);
    return transform(params);
  };

const shown = (value: unknown): string =>
  value instanceof Date ? `Date ${value.getTime()}` : `${typeof value} ${JSON.stringify(value)}`;

const transforms: readonly ((params: TransformFnParams) => unknown)[] = [
  ({ value }) => value as unknown,
  ({ value }) => value as unknown,
  ({ value }) => (typeof value === 'string' ? value.trim().slice(0, 3) : (value as unknown)),
  ({ value }) => (Array.isArray(value) || value === undefined ? (value as unknown) : [value]),
  ({ value }) => (value as unknown) ?? 'd',
  ({ obj, key }) => (obj as Record<string, unknown>)[key],
  ({ value }) => (value === 'a' ? undefined : (value as unknown)),
  ({ value }) => Number(value),
  ({ value }) => (typeof value === 'string' ? (JSON.parse(value) as unknown) : (value as unknown)),
  ({ value, obj }) => {
    (obj as Record<string, unknown>)['b'] = 'changed';
    return value as unknown;
  },
  ({ value }) => {
    if (Array.isArray(value)) value.push('a');
    return value as unknown;
  },
];

function transformOf(dice: Dice): PropertyDecorator {
  const to = dice.pick([{}, {}, { toClassOnly: true }, { toClassOnly: true }, { toPlainOnly: true }]);
  const groups = dice.chance(0.1) ? { groups: ['g'] } : {};
  return Transform(logged(dice.pick(transforms)), { ...to, ...groups });
}

/** Decorators of class-transformer for one property, and its name in plain data. */
function decoratorsOf(dice: Dice, name: string): { decorators: PropertyDecorator[]; wireName: string } {
  const chance = dice.roll();
  const transform = dice.chance(0.5) ? [transformOf(dice)] : [];
  if (chance < 0.3) return { decorators: transform, wireName: name };
  if (chance < 0.4) return { decorators: [transformOf(dice), transformOf(dice)], wireName: name };
  if (chance < 0.6) return { decorators: [Expose(), ...transform], wireName: name };
  if (chance < 0.75) {
    // Sometimes the name of another property.
    const wireName = dice.pick([`${name}_x`, `${name}_x`, 'a', '7']);
    return { decorators: [Expose({ name: wireName }), ...transform], wireName };
  }
  const rare = dice.pick([
    Expose({ groups: ['g'] }),
    Exclude(),
    Exclude({ toPlainOnly: true }),
    Exclude({ toClassOnly: true }),
    Expose({ toClassOnly: true }),
    Expose({ toPlainOnly: true }),
  ]);
  return { decorators: [rare, ...transform], wireName: name };
}

enum Level {
  low,
  high,
}

/** Properties of objects that are compiled only partly, and others that need care. */
const nestedKinds: readonly Kind[] = [
  {
    name: 'typed, not validated',
    weight: 1,
    decorators: (_, other) => [IsObject(), Type(() => other.cls)],
    declared: Object.assign,
    good: (dice, depth, other) => payloadOf(other, dice, depth),
  },
  {
    name: 'rows',
    weight: 1,
    decorators: (_, other) => [IsArray({ each: true }), ValidateNested({ each: true }), Type(() => other.cls)],
    declared: Array,
    good: (dice, depth, other) =>
      Array.from({ length: dice.below(3) }, () =>
        dice.chance(0.9)
          ? Array.from({ length: dice.below(3) }, () => payloadOf(other, dice, depth))
          : payloadOf(other, dice, depth),
      ),
  },
  {
    name: 'nested with a discriminator',
    weight: 1,
    decorators: (_, other) => [
      ValidateNested(),
      Type(() => other.cls, { discriminator: { property: 'kind', subTypes: [{ value: other.cls, name: 'one' }] } }),
    ],
    declared: Object.assign,
    good: (dice, depth, other) => ({ kind: 'one', ...payloadOf(other, dice, depth) }),
  },
  {
    name: 'numeric enum',
    weight: 1,
    decorators: () => [IsEnum(Level)],
    good: (dice) => dice.pick([0, 1, 'low', 2]),
  },
  {
    name: 'sometimes a string',
    weight: 1,
    decorators: () => [IsString({ validateIf: (_: object, value: unknown) => value !== 7 })],
    good: (dice) => dice.pick(['a', 7, null]),
  },
  {
    name: 'number or list',
    weight: 1,
    decorators: () => [IsNumber({}, { each: true }), IsOptional()],
    good: (dice) => dice.pick<unknown>([[1], 1, [], null]),
  },
];

/** A random class with decorators of class-transformer on some of its properties. */
export function decoratedClass(dice: Dice, earlier: readonly Subject[]): Subject {
  const subject = randomClass(dice, earlier);
  if (dice.chance(0.4) && earlier.length > 0) addNested(subject, dice, earlier);
  for (const property of subject.properties) {
    if (!dice.chance(0.4)) continue;
    const { decorators, wireName } = decoratorsOf(dice, property.name);
    for (const decorator of decorators) decorator(subject.cls.prototype as object, property.name);
    property.wireName = wireName;
  }
  if (dice.chance(0.15)) {
    Object.defineProperty(subject.cls.prototype, 'derived', { get: () => 'x', configurable: true });
    Expose()(subject.cls.prototype as object, 'derived');
    if (dice.chance(0.5)) IsString()(subject.cls.prototype as object, 'derived');
  }
  if (dice.chance(0.1)) {
    Exclude()(subject.cls);
    for (const { name, wireName } of subject.properties)
      if (dice.chance(0.8))
        Expose(wireName === undefined || wireName === name ? {} : { name: wireName })(
          subject.cls.prototype as object,
          name,
        );
  } else if (dice.chance(0.05)) Expose()(subject.cls);
  return subject;
}

function addNested(subject: Subject, dice: Dice, earlier: readonly Subject[]): void {
  const kind = dice.pick(nestedKinds);
  const other = dice.pick(earlier);
  const prototype = subject.cls.prototype as object;
  const declared = kind.declared === Object.assign ? other.cls : kind.declared;
  if (declared !== undefined) Reflect.defineMetadata('design:type', declared, prototype, 'extra');
  for (const decorator of kind.decorators(dice, other).reverse()) decorator(prototype, 'extra');
  subject.properties.push({ name: 'extra', kind, isOptional: false, other });
}

export const nestedKindNames = nestedKinds.map(({ name }) => name);
