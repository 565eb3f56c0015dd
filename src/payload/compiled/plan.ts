import type { ValidationMetadata } from 'class-validator/types/metadata/ValidationMetadata.js';
import { hasRules, rulesOf } from '../class-rules.js';
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
import type { Outside } from './outside.js';
import { ruleSteps, type RuleStep } from './rules.js';
import { Unsupported } from './unsupported.js';

/** How the objects of a class are checked and made. */
export interface Plan {
  readonly cls: new () => object;
  /** Those with rules first, in the order in which class-validator checks them. */
  readonly properties: readonly PropertyPlan[];
  /** Whether class-transformer visits only properties with `@Expose`, in their order, and not the keys of the data. */
  readonly isClosed: boolean;
  /** Properties with `@Expose`: class-transformer visits them also if they are absent. */
  readonly exposed: readonly PropertyPlan[];
  /** Why class-transformer makes the objects; `undefined`: compiled code makes them. */
  makingDeclined: string | undefined;
  /** Why class-validator checks the objects; `undefined`: compiled code checks them. */
  checkingDeclined: string | undefined;
}

export interface PropertyPlan {
  readonly name: string;
  /** Its key in the data; `undefined`: it is not read. */
  readonly key: string | undefined;
  /** All are called. The rules apply only if all are true. */
  readonly conditions: readonly ValidationMetadata[];
  readonly rules: readonly RuleStep[];
  /**
   * Kind of its values. `undefined`: class-transformer sets no value, because it is a getter. `isUnknown`: objects whose class
   * only the data shows; class-transformer makes them.
   */
  readonly content: { readonly converter: Converter } | Nested | { readonly isUnknown: true } | undefined;
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
  /** For a property with `@Transform` to the class: converts data that does not fit, as class-transformer does. */
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
 * Of a class with an unsupported feature, only that part is declined which has the feature: class-transformer makes its
 * objects, or class-validator checks them. All other classes are compiled.
 */
export function planOf(cls: AnyClass, outside: Outside, groups: readonly string[]): Plan {
  const planning: Planning = { plans: new Map(), outside, groups };
  const root = planClass(cls, planning);
  for (const { cls: each, makingDeclined, checkingDeclined } of planning.plans.values()) {
    const reason = makingDeclined ?? checkingDeclined;
    if (reason !== undefined) outside.declined.push({ name: each.name, reason });
    // class-transformer runs transforms, and deletes the properties of discriminators.
    if (makingDeclined !== undefined) outside.mayChangeData = true;
  }
  return root;
}

function planClass(cls: AnyClass, planning: Planning): Plan {
  const known = planning.plans.get(cls);
  if (known) return known;
  const properties: PropertyPlan[] = [];
  const exposed: PropertyPlan[] = [];
  const plan: Plan = {
    cls: cls as new () => object,
    properties,
    isClosed: isClosed(cls),
    exposed,
    makingDeclined: undefined,
    checkingDeclined: undefined,
  };
  // Registered before its properties are visited: they may refer to this class.
  planning.plans.set(cls, plan);
  try {
    if (!hasRules(cls)) throw new Unsupported(`${cls.name} has no rules`);
    const schema = classSchemaOf(cls, planning.groups);
    for (const [property, rules] of rulesByProperty(schema))
      properties.push(propertyPlan(plan, property, rules, planning));
    for (const name of exposedProperties(cls)) {
      const found = properties.find((property) => property.name === name && property.key !== undefined);
      if (found) exposed.push(found);
    }
    plan.makingDeclined ??= ambiguity(schema);
  } catch (error) {
    // The class is left to class-transformer and class-validator as a whole.
    plan.makingDeclined = plan.checkingDeclined = reasonOf(error);
    properties.length = exposed.length = 0;
  }
  return plan;
}

export const reasonOf = (error: unknown): string =>
  error instanceof Unsupported ? error.message : `it threw: ${String(error)}`;

function rulesByProperty({ cls, groups, properties }: ClassSchema): [PropertySchema, ValidationMetadata[]][] {
  const rules = rulesByName(cls, groups);
  if (Object.keys(rules).length === 0) throw new Unsupported(`${cls.name} has no rules`);
  return [...new Set([...Object.keys(rules), ...properties.keys()])].map((name) => {
    const property = properties.get(name);
    // The rule was added after the schema was made. `shapeViolations` refuses such a property as unknown.
    if (!property) throw new Unsupported(`${cls.name}.${name} got its rules too late`);
    return [property, rules[name] ?? []];
  });
}

function ambiguity({ cls, properties, wire }: ClassSchema): string | undefined {
  const read = [...properties.values()].filter(({ isRead }) => isRead);
  const isAmbiguous =
    wire.size < read.length || hasAmbiguousNames(cls, [...properties.keys()], (key) => wire.get(key)?.name);
  return isAmbiguous ? `${cls.name} has @Expose with a name or groups that class-transformer may confuse` : undefined;
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
  plan: Plan,
  property: PropertySchema,
  rules: readonly ValidationMetadata[],
  planning: Planning,
): PropertyPlan {
  const { name, wireName, isRead, readers } = property;
  const where = `${plan.cls.name}.${name}`;
  if (name in Object.prototype || wireName in Object.prototype)
    throw new Unsupported(`${where} is a property of all objects`);
  if (readers.length > 0) planning.outside.mayChangeData = true;
  return {
    name,
    key: isRead ? wireName : undefined,
    conditions: rules.filter((rule) => rule.type === 'conditionalValidation'),
    rules: supportedRules(where, rules, plan),
    readers,
    ...supportedContent(where, property, plan, planning),
  };
}

function supportedRules(where: string, rules: readonly ValidationMetadata[], plan: Plan): RuleStep[] {
  try {
    return ruleSteps(where, rules);
  } catch (error) {
    plan.checkingDeclined ??= reasonOf(error);
    return [];
  }
}

function supportedContent(where: string, property: PropertySchema, plan: Plan, planning: Planning): Content {
  try {
    return contentOf(where, plan.cls, property, planning);
  } catch (error) {
    plan.makingDeclined ??= reasonOf(error);
    return { content: property.isValidated ? { isUnknown: true } : undefined, isStillSo: undefined };
  }
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
  throw new Unsupported(
    `${where} is a method, a value of the prototype, a setter without a getter or an inherited accessor`,
  );
}

function typed(where: string, property: PropertySchema, type: TypeMetadata, planning: Planning): Content {
  if (type.discriminator) throw new Unsupported(`${where} has a discriminator`);
  if (!type.isFixed) throw new Unsupported(`${where} has a type that depends on the object`);
  // class-transformer would create a collection of the declared type.
  if (!reflectable(type.reflected, property))
    throw new Unsupported(`${where} is declared as a collection that is not an array`);
  const target = type.classFor({});
  const isStillSo = (owner: object): boolean => type.classFor(owner) === target;
  const { isValidated } = property;
  const isTransformed = property.readers.length > 0;
  const simple = isTransformed ? simpleConverter(target, planning) : converterFor(target, property.isArray === true);
  if (simple && !isValidated) return { content: { converter: simple }, isStillSo };
  if (simple) throw new Unsupported(`${where} has a @Type that does not match its rules`);
  if (typeof target !== 'function') throw new Unsupported(`${where} has a @Type that is not a class`);
  const plan = planClass(target as AnyClass, planning);
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
