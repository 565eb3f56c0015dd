import type { ValidationMetadata } from 'class-validator/types/metadata/ValidationMetadata.js';
import { rulesOf } from '../class-rules.js';
import { classSchemaOf, type ClassSchema, type PropertySchema } from '../class-schema.js';
import {
  exposedProperties,
  hasAmbiguousNames,
  isClosed,
  type AnyClass,
  type TransformFn,
  type TypeMetadata,
} from '../transforms.js';
import { converterFor, looseConverter, open, type Converter } from './converters.js';
import type { Outside, OutsidePlan } from './outside.js';
import { ruleSteps, type RuleStep } from './rules.js';
import { Unsupported } from './unsupported.js';

/** A class with known features only, so its payloads can be accepted without class-transformer and class-validator. */
export interface ClassPlan {
  readonly cls: new () => object;
  /** Those with rules first, in the order in which class-validator checks them. */
  readonly properties: readonly PropertyPlan[];
  /** Whether class-transformer visits only properties with `@Expose`, in their order, and not the keys of the data. */
  readonly isClosed: boolean;
  /** Properties with `@Expose`: class-transformer visits them also if they are absent. */
  readonly exposed: readonly PropertyPlan[];
}

export type Plan = ClassPlan | OutsidePlan;

export interface PropertyPlan {
  readonly name: string;
  /** Its key in the data; `undefined`: it is not read. */
  readonly key: string | undefined;
  /** All are called. The rules apply only if all are true. */
  readonly conditions: readonly ValidationMetadata[];
  readonly rules: readonly RuleStep[];
  /** Kind of its values. `undefined`: class-transformer sets no value, because it is a getter. */
  readonly content: { readonly converter: Converter } | Nested | undefined;
  /** The transforms to class, in order, called after the conversion of the content. */
  readonly readers: readonly TransformFn[];
  /**
   * Whether the type function still returns the same class. Called for each object, because the function may not be
   * constant.
   */
  readonly isStillSo: ((owner: object) => boolean) | undefined;
}

/** Objects of a class. */
export interface Nested {
  readonly plan: Plan;
  readonly shape: 'one' | 'many' | 'either' | 'rows';
  /** Whether the rules of the class are checked. */
  readonly isValidated: boolean;
  /** For a property with `@Transform`: converts data that does not fit, as class-transformer does. */
  readonly otherwise: Converter | undefined;
}

/** State of one planning. */
interface Planning {
  readonly plans: Map<AnyClass, Plan>;
  readonly outside: Outside;
  readonly groups: readonly string[];
}

/**
 * The plan of a class and of all classes that it refers to.
 *
 * A nested class with an unsupported feature is declined alone: its objects are left to class-transformer and
 * class-validator. Classes may refer to each other in circles, so the planning starts again without the declined class.
 *
 * @throws Unsupported if the class itself has an unsupported feature
 */
export function planOf(cls: AnyClass, outside: Outside, groups: readonly string[]): ClassPlan {
  for (;;) {
    try {
      return planClass(cls, { plans: new Map(), outside, groups });
    } catch (error) {
      if (!(error instanceof Declined)) throw error;
      if (error.cls === cls) throw error.cause as Error;
      outside.decline(error.cls, reasonOf(error.cause));
    }
  }
}

export const reasonOf = (error: unknown): string =>
  error instanceof Unsupported ? error.message : `it threw: ${String(error)}`;

/** One class cannot be compiled. Its `cause` says why. */
class Declined extends Error {
  constructor(
    readonly cls: AnyClass,
    cause: unknown,
  ) {
    super('declined', { cause });
  }
}

function planNested(cls: AnyClass, planning: Planning): Plan {
  return planning.plans.get(cls) ?? planning.outside.planOf(cls) ?? planClass(cls, planning);
}

function planClass(cls: AnyClass, planning: Planning): ClassPlan {
  try {
    return readClass(cls, planning);
  } catch (error) {
    throw error instanceof Declined ? error : new Declined(cls, error);
  }
}

function readClass(cls: AnyClass, planning: Planning): ClassPlan {
  const { plans, groups } = planning;
  const properties: PropertyPlan[] = [];
  const exposed: PropertyPlan[] = [];
  const plan = { cls: cls as new () => object, properties, isClosed: isClosed(cls), exposed };
  // Registered before its properties are visited: they may refer to this class.
  plans.set(cls, plan);
  const schema = classSchemaOf(cls, groups);
  refuseAmbiguous(schema);
  const rules = rulesByName(cls, groups);
  for (const name of new Set([...Object.keys(rules), ...schema.properties.keys()])) {
    const property = schema.properties.get(name);
    // The rule was added after the schema was made. `shapeViolations` refuses such a property as unknown.
    if (!property) throw new Unsupported(`${cls.name}.${name} got its rules too late`);
    properties.push(propertyPlan(cls, property, rules[name] ?? [], planning));
  }
  for (const name of exposedProperties(cls)) {
    const found = properties.find((property) => property.name === name && property.key !== undefined);
    if (found) exposed.push(found);
  }
  if (Object.keys(rules).length === 0) throw new Unsupported(`${cls.name} has no rules`);
  return plan;
}

function refuseAmbiguous({ cls, properties, wire }: ClassSchema): void {
  const read = [...properties.values()].filter(({ isRead }) => isRead);
  const isAmbiguous =
    wire.size < read.length || hasAmbiguousNames(cls, [...properties.keys()], (key) => wire.get(key)?.name);
  if (isAmbiguous)
    throw new Unsupported(`${cls.name} has @Expose with a name or groups that class-transformer may confuse`);
}

// An object and not a Map: class-validator checks properties in the order of the keys of an object, numeric keys first.
function rulesByName(cls: AnyClass, groups: readonly string[]): Record<string, ValidationMetadata[]> {
  const grouped: Record<string, ValidationMetadata[]> = {};
  for (const rule of rulesOf(cls, groups)) {
    const name: unknown = rule.propertyName;
    if (typeof name !== 'string') throw new Unsupported(`${cls.name} has a rule for ${typeof name}`);
    if (name in Object.prototype) throw new Unsupported(`${cls.name}.${name} is a property of all objects`);
    (grouped[name] ??= []).push(rule);
  }
  return grouped;
}

function propertyPlan(
  cls: AnyClass,
  property: PropertySchema,
  rules: readonly ValidationMetadata[],
  planning: Planning,
): PropertyPlan {
  const { name, wireName, isRead, readers } = property;
  const where = `${cls.name}.${name}`;
  if (name in Object.prototype || wireName in Object.prototype)
    throw new Unsupported(`${where} is a property of all objects`);
  if (readers.length > 0) planning.outside.mayChangeData = true;
  return {
    name,
    key: isRead ? wireName : undefined,
    conditions: rules.filter((rule) => rule.type === 'conditionalValidation'),
    rules: ruleSteps(where, rules),
    readers,
    ...contentOf(where, cls, property, planning),
  };
}

type Content = Pick<PropertyPlan, 'content' | 'isStillSo'>;

function contentOf(where: string, cls: AnyClass, property: PropertySchema, planning: Planning): Content {
  const { name, type, isValidated, isRead } = property;
  if (isGetter(where, cls, name)) {
    if (type || isValidated) throw new Unsupported(`${where} is a getter with @Type or @ValidateNested`);
    return { content: undefined, isStillSo: undefined };
  }
  if (type && (isRead || isValidated)) return typed(where, property, type, planning);
  if (isValidated) throw new Unsupported(`${where} has @ValidateNested without @Type`);
  return { content: { converter: open }, isStillSo: undefined };
}

/** Whether a property has a getter and no setter, in the class itself. */
function isGetter(where: string, cls: AnyClass, name: string): boolean {
  const prototype = cls.prototype as object;
  if (!(name in prototype)) return false;
  const own = Object.getOwnPropertyDescriptor(prototype, name);
  if (own?.get) return !own.set;
  throw new Unsupported(`${where} is a method, a value of the prototype, a setter or an inherited accessor`);
}

function typed(where: string, property: PropertySchema, type: TypeMetadata, planning: Planning): Content {
  if (type.discriminator) throw new Unsupported(`${where} has a discriminator`);
  if (!type.isFixed) throw new Unsupported(`${where} has a type that depends on the object`);
  // class-transformer would create a collection of the declared type.
  if (!reflectable(type.reflected, property))
    throw new Unsupported(`${where} is declared as a collection that is not an array`);
  const target = type.classFor({});
  const isStillSo = (owner: object): boolean => type.classFor(owner) === target;
  const { isValidated, isTransformed } = property;
  const simple = isTransformed ? simpleConverter(target, planning) : converterFor(target, property.isArray === true);
  if (simple && !isValidated) return { content: { converter: simple }, isStillSo };
  if (simple) throw new Unsupported(`${where} has a @Type that does not match its rules`);
  if (typeof target !== 'function') throw new Unsupported(`${where} has a @Type that is not a class`);
  const plan = planNested(target as AnyClass, planning);
  const otherwise = isTransformed ? looseConverter(target, planning.outside.toClass) : undefined;
  return { content: { plan, shape: shapeOf(property), isValidated, otherwise }, isStillSo };
}

function simpleConverter(target: unknown, { outside, groups }: Planning): Converter | undefined {
  const isNested = typeof target === 'function' && rulesOf(target, groups).length > 0;
  return isNested ? undefined : looseConverter(target, outside.toClass);
}

function shapeOf({ isArray, hasRows }: PropertySchema): Nested['shape'] {
  if (hasRows) return 'rows';
  return isArray === undefined ? 'either' : isArray ? 'many' : 'one';
}

function reflectable(reflected: unknown, { isArray }: PropertySchema): boolean {
  if (reflected === Map || reflected === Set) return false;
  return isArray === false || reflected === undefined || reflected === Array || reflected === Object;
}
