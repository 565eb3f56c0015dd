import type { ValidationMetadata } from 'class-validator/types/metadata/ValidationMetadata.js';
import { rulesOf } from '../class-rules.js';
import { classSchemaOf, type PropertySchema } from '../class-schema.js';
import { isSelective, type AnyClass, type TypeMetadata } from '../transforms.js';
import { converterFor, open, type Converter } from './converters.js';
import { ruleSteps, type RuleStep } from './rules.js';
import { Unsupported } from './unsupported.js';

/** A class with known features only, so its payloads can be accepted without class-transformer and class-validator. */
export interface Plan {
  readonly cls: new () => object;
  /** In the order in which class-validator checks them. */
  readonly properties: readonly PropertyPlan[];
}

export interface PropertyPlan {
  readonly name: string;
  /** All are called. The rules apply only if all are true. */
  readonly conditions: readonly ValidationMetadata[];
  readonly rules: readonly RuleStep[];
  /** Kind of its values: objects of a class that is validated too, or other values. */
  readonly content: { readonly converter: Converter } | Nested;
  /**
   * Whether the type function still returns the same class. Called for each object, because the function may not be
   * constant.
   */
  readonly isStillSo: ((owner: object) => boolean) | undefined;
}

export interface Nested {
  readonly plan: Plan;
  readonly isArray: boolean;
}

/** @throws Unsupported if the class, or a class that it refers to, has an unsupported feature */
export function planOf(cls: AnyClass, plans = new Map<AnyClass, Plan>()): Plan {
  const known = plans.get(cls);
  if (known) return known;
  if (isSelective(cls)) throw new Unsupported(`${cls.name} has @Expose or @Exclude`);
  const properties: PropertyPlan[] = [];
  const plan: Plan = { cls: cls as new () => object, properties };
  // Registered before its properties are visited: they may refer to this class.
  plans.set(cls, plan);
  const schema = classSchemaOf(cls);
  for (const [name, rules] of Object.entries(rulesByName(cls))) {
    const property = schema.properties.get(name);
    // The rule was added after the schema was made. `shapeViolations` refuses such a property as unknown.
    if (!property) throw new Unsupported(`${cls.name}.${name} got its rules too late`);
    properties.push(propertyPlan(cls, property, rules, plans));
  }
  if (properties.length === 0) throw new Unsupported(`${cls.name} has no rules`);
  return plan;
}

// An object and not a Map: class-validator checks properties in the order of the keys of an object, numeric keys first.
function rulesByName(cls: AnyClass): Record<string, ValidationMetadata[]> {
  const grouped: Record<string, ValidationMetadata[]> = {};
  for (const rule of rulesOf(cls)) {
    const name: unknown = rule.propertyName;
    if (typeof name !== 'string') throw new Unsupported(`${cls.name} has a rule for ${typeof name}`);
    // This also excludes names of Object.prototype: `__proto__`, `constructor`, `toString`.
    if (name in (cls.prototype as object))
      throw new Unsupported(`${cls.name}.${name} is an accessor, a method or a value of the prototype`);
    (grouped[name] ??= []).push(rule);
  }
  return grouped;
}

function propertyPlan(
  cls: AnyClass,
  property: PropertySchema,
  rules: readonly ValidationMetadata[],
  plans: Map<AnyClass, Plan>,
): PropertyPlan {
  const { name, type, isTransformed } = property;
  const where = `${cls.name}.${name}`;
  if (isTransformed) throw new Unsupported(`${where} has @Transform`);
  return {
    name,
    conditions: rules.filter((rule) => rule.type === 'conditionalValidation'),
    rules: ruleSteps(where, rules),
    ...(type ? typed(where, property, type, plans) : untyped(where, property)),
  };
}

type Content = Pick<PropertyPlan, 'content' | 'isStillSo'>;

function untyped(where: string, { isValidated }: PropertySchema): Content {
  if (isValidated) throw new Unsupported(`${where} has @ValidateNested without @Type`);
  return { content: { converter: open }, isStillSo: undefined };
}

function typed(where: string, property: PropertySchema, type: TypeMetadata, plans: Map<AnyClass, Plan>): Content {
  if (type.discriminator) throw new Unsupported(`${where} has a discriminator`);
  if (!type.isFixed) throw new Unsupported(`${where} has a type that depends on the object`);
  // If arrays and objects are both allowed, only the object is accepted here.
  const isArray = property.isArray === true;
  // class-transformer would create a collection of the declared type.
  if (!reflectable(type.reflected, isArray))
    throw new Unsupported(`${where} is declared as a collection that is not an array`);
  const target = type.classFor({});
  const isStillSo = (owner: object): boolean => type.classFor(owner) === target;
  const converter = converterFor(target, isArray);
  if (converter && !property.isValidated) return { content: { converter }, isStillSo };
  if (converter || !property.isValidated) throw new Unsupported(`${where} has a @Type that does not match its rules`);
  if (typeof target !== 'function') throw new Unsupported(`${where} has a @Type that is not a class`);
  return { content: { plan: planOf(target as AnyClass, plans), isArray }, isStillSo };
}

const reflectable = (reflected: unknown, isArray: boolean): boolean =>
  isArray
    ? reflected === undefined || reflected === Array || reflected === Object
    : reflected !== Map && reflected !== Set;
