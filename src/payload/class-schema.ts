import { hasRules, rulesOf } from './class-rules.js';
import {
  selectedProperties,
  transformMetadata,
  type AnyClass,
  type Discriminator,
  type TransformMetadata,
  type TypeMetadata,
} from './transforms.js';

/** The metadata of a payload class: its properties with their rules, types and transforms. Collected once for each class. */
export interface ClassSchema {
  readonly cls: AnyClass;
  readonly name: string;
  /** Properties by their name in the class, as given to `put`. */
  readonly properties: ReadonlyMap<string, PropertySchema>;
  /** Properties by their name in the plain object, as stored. */
  readonly wire: ReadonlyMap<string, PropertySchema>;
  /** Getters that are part of the data because of `@Expose`. */
  readonly accessors: readonly PropertySchema[];
}

export interface PropertySchema extends TransformMetadata {
  readonly name: string;
  /**
   * Whether the value must be an array; `undefined`: both are allowed. Needed because class-validator accepts `[]` for a
   * nested object.
   */
  readonly isArray: boolean | undefined;
  /** Whether it has `@ValidateNested()`. */
  readonly isValidated: boolean;
  /** The declared type, if the compiler emits metadata. */
  readonly declared: unknown;
}

/**
 * Type of the value of a property: a class with rules, or a type that class-transformer converts to. `scalar`: String,
 * Number or Boolean.
 */
export type Target = ClassSchema | typeof Date | 'scalar' | undefined;

const schemas = new WeakMap<object, ClassSchema>();

/** The schema of a class. */
export function classSchemaOf(cls: AnyClass): ClassSchema {
  const known = schemas.get(cls);
  if (known) return known;
  const schema = readClass(cls);
  schemas.set(cls, schema);
  return schema;
}

function readClass(cls: AnyClass): ClassSchema {
  const rules = rulesOf(cls);
  const names = new Set([...rules.map(({ propertyName }) => propertyName), ...selectedProperties(cls)]);
  const properties = [...names].filter((name) => typeof name === 'string').map((name) => propertyOf(cls, name, rules));
  return {
    cls,
    name: cls.name || 'a class without a name',
    properties: new Map(properties.map((property) => [property.name, property])),
    wire: new Map(properties.filter(({ isRead }) => isRead).map((property) => [property.wireName, property])),
    accessors: properties.filter(({ name, isWritten }) => isWritten && isAccessor(cls.prototype as object, name)),
  };
}

function propertyOf(cls: AnyClass, name: string, rules: ReturnType<typeof rulesOf>): PropertySchema {
  const metadata = transformMetadata(cls, name);
  const nested = rules.filter((rule) => rule.propertyName === name && rule.type === 'nestedValidation');
  const declared: unknown = Reflect.getMetadata('design:type', cls.prototype as object, name);
  const isArray =
    metadata.isTransformed || !metadata.type
      ? undefined
      : arrayhood(
          declared,
          nested.some(({ each }) => each),
        );
  return { ...metadata, name, isArray, isValidated: nested.length > 0, declared };
}

function arrayhood(declared: unknown, each: boolean): boolean | undefined {
  if (declared === Array) return true;
  if (typeof declared === 'function' && declared !== Object) return false;
  return each ? true : undefined;
}

function isAccessor(prototype: object | null, name: string): boolean {
  for (let at = prototype; at; at = Object.getPrototypeOf(at) as object | null) {
    const found = Object.getOwnPropertyDescriptor(at, name);
    if (found) return found.get !== undefined;
  }
  return false;
}

/** The declared type of `value`, which is a property of `owner`. Not for properties with `@Transform`. */
export function targetOf({ type }: PropertySchema, value: object | undefined, owner: object): Target {
  if (!type) return undefined;
  const cls = (type.discriminator && subTypeOf(type.discriminator, value)) ?? type.classFor(owner);
  if (cls === Date) return Date;
  if (cls === String || cls === Number || cls === Boolean) return 'scalar';
  return rulesOfType(cls) ? classSchemaOf(cls as AnyClass) : undefined;
}

/** The subclass of a value: for an instance its class, for plain data the value of its discriminator property. */
export function subTypeOf({ property, subTypes }: Discriminator, value: object | undefined): AnyClass | undefined {
  if (value === undefined) return undefined;
  const said = (value as Record<string, unknown>)[property];
  return (subTypes.find((sub) => value.constructor === sub.value) ?? subTypes.find((sub) => sub.name === said))?.value;
}

/** The schema of the class of an instance, if that class has rules. */
export const classSchemaOfValue = ({ constructor }: object): ClassSchema | undefined =>
  rulesOfType(constructor) ? classSchemaOf(constructor as unknown as AnyClass) : undefined;

// The cheap checks come first: class-validator's lookup takes longer with every class in the process.
function rulesOfType(cls: unknown): boolean {
  if (typeof cls !== 'function' || cls === Object || cls === Array) return false;
  return schemas.has(cls) || hasRules(cls);
}

/** The classes that a `@Type` can return, without those that depend on an object. */
export function classesOf({ classFor, isFixed, discriminator }: TypeMetadata): unknown[] {
  return [...(isFixed ? [classFor({})] : []), ...(discriminator?.subTypes.map(({ value }) => value) ?? [])];
}
