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
  /** Groups of the queue. Rules and transforms of other groups are not in the schema. */
  readonly groups: readonly string[];
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
  /** Whether each item must be an array of nested objects, because of `@IsArray({ each: true })`. */
  readonly hasRows: boolean;
  /** Whether it has `@ValidateNested()`. */
  readonly isValidated: boolean;
  /** Groups of the queue, for the schemas of nested classes. */
  readonly groups: readonly string[];
  /** The declared type, if the compiler emits metadata. */
  readonly declared: unknown;
}

/**
 * Type of the value of a property: a class with rules, or a type that class-transformer converts to. `scalar`: String,
 * Number or Boolean.
 */
export type Target = ClassSchema | typeof Date | 'scalar' | undefined;

const schemas = new Map<string, WeakMap<object, ClassSchema>>();

/** The schema of a class for a queue with these groups. */
export function classSchemaOf(cls: AnyClass, groups: readonly string[] = []): ClassSchema {
  const known = schemasFor(groups).get(cls);
  if (known) return known;
  const schema = readClass(cls, groups);
  schemasFor(groups).set(cls, schema);
  return schema;
}

function schemasFor(groups: readonly string[]): WeakMap<object, ClassSchema> {
  const key = groups.length === 0 ? '' : JSON.stringify(groups);
  let found = schemas.get(key);
  if (!found) schemas.set(key, (found = new WeakMap()));
  return found;
}

function readClass(cls: AnyClass, groups: readonly string[]): ClassSchema {
  const rules = rulesOf(cls, groups);
  const names = new Set([...rules.map(({ propertyName }) => propertyName), ...selectedProperties(cls)]);
  const properties = [...names]
    .filter((name) => typeof name === 'string')
    .map((name) => propertyOf(cls, name, rules, groups));
  return {
    cls,
    name: cls.name || 'a class without a name',
    properties: new Map(properties.map((property) => [property.name, property])),
    wire: new Map(properties.filter(({ isRead }) => isRead).map((property) => [property.wireName, property])),
    groups,
    accessors: properties.filter(({ name, isWritten }) => isWritten && isAccessor(cls.prototype as object, name)),
  };
}

function propertyOf(
  cls: AnyClass,
  name: string,
  rules: ReturnType<typeof rulesOf>,
  groups: readonly string[],
): PropertySchema {
  const metadata = transformMetadata(cls, name, groups);
  const own = rules.filter((rule) => rule.propertyName === name);
  const nested = own.filter((rule) => rule.type === 'nestedValidation');
  const declared: unknown = Reflect.getMetadata('design:type', cls.prototype as object, name);
  const isArray =
    metadata.readers.length > 0 || !metadata.type
      ? undefined
      : arrayhood(
          declared,
          nested.some(({ each }) => each),
        );
  const hasRows = isArray === true && own.some((rule) => rule.name === 'isArray' && rule.each);
  return { ...metadata, name, isArray, hasRows, isValidated: nested.length > 0, declared, groups };
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
export function targetOf({ type, groups }: PropertySchema, value: object | undefined, owner: object): Target {
  if (!type) return undefined;
  const cls = (type.discriminator && subTypeOf(type.discriminator, value)) ?? type.classFor(owner);
  if (cls === Date) return Date;
  if (cls === String || cls === Number || cls === Boolean) return 'scalar';
  return schemaOfType(cls, groups);
}

/** The subclass of a value: for an instance its class, for plain data the value of its discriminator property. */
export function subTypeOf({ property, subTypes }: Discriminator, value: object | undefined): AnyClass | undefined {
  if (value === undefined) return undefined;
  const said = (value as Record<string, unknown>)[property];
  return (subTypes.find((sub) => value.constructor === sub.value) ?? subTypes.find((sub) => sub.name === said))?.value;
}

/** The schema of the class of an instance, if that class has rules. */
export const classSchemaOfValue = ({ constructor }: object, { groups }: PropertySchema): ClassSchema | undefined =>
  schemaOfType(constructor, groups);

// The cheap checks come first: class-validator's lookup takes longer with every class in the process.
function schemaOfType(cls: unknown, groups: readonly string[]): ClassSchema | undefined {
  if (typeof cls !== 'function' || cls === Object || cls === Array) return undefined;
  const known = schemasFor(groups).get(cls);
  if (known) return known;
  return hasRules(cls) ? classSchemaOf(cls as unknown as AnyClass, groups) : undefined;
}

/** The classes that a `@Type` can return, without those that depend on an object. */
export function classesOf({ classFor, isFixed, discriminator }: TypeMetadata): unknown[] {
  return [...(isFixed ? [classFor({})] : []), ...(discriminator?.subTypes.map(({ value }) => value) ?? [])];
}
