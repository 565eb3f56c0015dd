import type { ValidationMetadata } from 'class-validator/types/metadata/ValidationMetadata.js';
import { rulesOf } from '../class-rules.js';
import { outlineOf, type Property } from '../outline.js';
import { isSelective, type AnyClass, type TypeNote } from '../transforms.js';
import { converted, open, type Leaf } from './leaves.js';
import { ruleSteps, type RuleStep } from './rule-steps.js';
import { Unsure } from './unsure.js';

/** A class whose payloads can be accepted without class-transformer and class-validator, because all of it is known. */
export interface Plan {
  readonly cls: new () => object;
  /** In the order in which class-validator asks. */
  readonly properties: readonly PropertyPlan[];
}

export interface PropertyPlan {
  readonly name: string;
  /** All are asked; the rules hold only when all agree. */
  readonly conditions: readonly ValidationMetadata[];
  readonly rules: readonly RuleStep[];
  /** What its values are made of: an object of a class that is validated in turn, or anything else. */
  readonly content: { readonly leaf: Leaf } | Nested;
  /** Asked for each object: a type function may well look like a constant and not be one. */
  readonly isStillSo: ((owner: object) => boolean) | undefined;
}

export interface Nested {
  readonly plan: Plan;
  readonly isArray: boolean;
}

/** @throws Unsure when something about the class, or one that it contains, is not known well enough */
export function planOf(cls: AnyClass, plans = new Map<AnyClass, Plan>()): Plan {
  const known = plans.get(cls);
  if (known) return known;
  if (isSelective(cls)) throw new Unsure(`${cls.name} has @Expose or @Exclude`);
  const properties: PropertyPlan[] = [];
  const plan: Plan = { cls: cls as new () => object, properties };
  // Before its properties are looked at: they may contain it.
  plans.set(cls, plan);
  const outline = outlineOf(cls);
  for (const [name, rules] of Object.entries(rulesByName(cls))) {
    const property = outline.properties.get(name);
    // Declared after the outline was drawn; the ordinary way refuses it as unknown.
    if (!property) throw new Unsure(`${cls.name}.${name} got its rules too late`);
    properties.push(propertyPlan(cls, property, rules, plans));
  }
  if (properties.length === 0) throw new Unsure(`${cls.name} has no rules`);
  return plan;
}

// An object, because it is the order of its keys in which class-validator asks: numbers first.
function rulesByName(cls: AnyClass): Record<string, ValidationMetadata[]> {
  const grouped: Record<string, ValidationMetadata[]> = {};
  for (const rule of rulesOf(cls)) {
    const name: unknown = rule.propertyName;
    if (typeof name !== 'string') throw new Unsure(`${cls.name} has a rule for ${typeof name}`);
    // Also the names that all objects have: `__proto__`, `constructor`, `toString`.
    if (name in (cls.prototype as object)) throw new Unsure(`${cls.name}.${name} is an accessor, a method or a value of the prototype`);
    (grouped[name] ??= []).push(rule);
  }
  return grouped;
}

function propertyPlan(cls: AnyClass, property: Property, rules: readonly ValidationMetadata[], plans: Map<AnyClass, Plan>): PropertyPlan {
  const { name, type, isTransformed } = property;
  const where = `${cls.name}.${name}`;
  if (isTransformed) throw new Unsure(`${where} has @Transform`);
  return {
    name,
    conditions: rules.filter((rule) => rule.type === 'conditionalValidation'),
    rules: ruleSteps(where, rules),
    ...(type ? typed(where, property, type, plans) : untyped(where, property)),
  };
}

type Content = Pick<PropertyPlan, 'content' | 'isStillSo'>;

function untyped(where: string, { isValidated }: Property): Content {
  if (isValidated) throw new Unsure(`${where} has @ValidateNested without @Type`);
  return { content: { leaf: open }, isStillSo: undefined };
}

function typed(where: string, property: Property, type: TypeNote, plans: Map<AnyClass, Plan>): Content {
  if (type.discriminator) throw new Unsure(`${where} has a discriminator`);
  if (!type.isFixed) throw new Unsure(`${where} has another type for each object`);
  // Where it may be either, only the one object is accepted.
  const isArray = property.isArray === true;
  // class-transformer would make a collection of this kind.
  if (!reflectable(type.reflected, isArray)) throw new Unsure(`${where} is declared as something that is no array`);
  const target = type.classFor({});
  const isStillSo = (owner: object): boolean => type.classFor(owner) === target;
  const leaf = converted(target, isArray);
  if (leaf && !property.isValidated) return { content: { leaf }, isStillSo };
  if (leaf || !property.isValidated) throw new Unsure(`${where} has a @Type that goes with its rules in an unknown way`);
  if (typeof target !== 'function') throw new Unsure(`${where} has a @Type that is no class`);
  return { content: { plan: planOf(target as AnyClass, plans), isArray }, isStillSo };
}

const reflectable = (reflected: unknown, isArray: boolean): boolean =>
  isArray ? reflected === undefined || reflected === Array || reflected === Object : reflected !== Map && reflected !== Set;
