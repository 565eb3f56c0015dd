import { types } from 'node:util';
import { NotSerializableError, type Violation } from '../core/errors.js';
import { arrayFlaw, isPlain } from './json.js';
import { classSchemaOfValue, subTypeOf, targetOf, type ClassSchema, type PropertySchema } from './class-schema.js';
import { tooDeep } from './codec.js';
import { unknownKey } from './whitelist.js';
import { invalidAll, isEnough, join } from './violations.js';

/** State of one conversion. */
interface Writing {
  /** The whole message, and the name of its class. */
  readonly root: object;
  readonly name: string;
  readonly maxDepth: number;
  readonly stripsUnknownKeys: boolean;
  readonly found: Violation[];
  isCopy: boolean;
}

/** Result of a conversion: the plain data of a message. */
export interface Written {
  readonly plain: Record<string, unknown>;
  /**
   * Whether all objects at all levels were copied. A full copy has no getters of the caller, and the caller cannot change
   * it.
   */
  readonly isCopy: boolean;
}

/**
 * The plain data of an instance, or of a plain object with the same properties, after `@Expose`, `@Exclude` and
 * `@Transform`. It is a copy, except for values without `@Type`, whose content the class does not describe.
 *
 * It does not use instanceToPlain of class-transformer. That function needs instances at all levels, calls functions, turns
 * a Map into an object, and writes discriminators into the objects of the caller.
 *
 * @throws InvalidPayloadError for properties without a rule, and for more than `maxDepth` levels
 * @throws NotSerializableError for an invalid Date, and for an object that contains itself
 */
export function toPlain(schema: ClassSchema, value: object, maxDepth: number, stripsUnknownKeys = false): Written {
  const found: Violation[] = [];
  const writing: Writing = { root: value, name: schema.name, maxDepth, stripsUnknownKeys, found, isCopy: true };
  const plain = plainOf(schema, value, { path: '', depth: 1, allowed: undefined }, writing);
  if (found.length > 0) throw invalidAll(schema.name, found);
  return { plain, isCopy: writing.isCopy };
}

/**
 * Writes one property of an instance into plain data, as {@link toPlain} does.
 *
 * @throws as toPlain
 */
export function addToPlain(
  property: PropertySchema,
  owner: object,
  plain: Record<string, unknown>,
  { path, depth, name, maxDepth }: { path: string; depth: number; name: string; maxDepth: number },
): void {
  const found: Violation[] = [];
  const writing: Writing = { root: owner, name, maxDepth, stripsUnknownKeys: false, found, isCopy: true };
  const item = (owner as Record<string, unknown>)[property.name];
  write(property, item, owner, plain, { path, depth, allowed: undefined }, writing);
  if (found.length > 0) throw invalidAll(name, found);
}

/** Position in the message. */
interface Place {
  readonly path: string;
  readonly depth: number;
  /** A key that needs no rule: the discriminator property. */
  readonly allowed: string | undefined;
}

function plainOf(schema: ClassSchema, value: object, place: Place, writing: Writing): Record<string, unknown> {
  const plain: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    const item = (value as Record<string, unknown>)[key];
    const property = schema.properties.get(key);
    if (property) write(property, item, value, plain, place, writing);
    else if (key === place.allowed) plain[key] = item;
    else if (!writing.stripsUnknownKeys && !isLeftOut(item, value) && !isEnough(writing.found))
      writing.found.push(unknownKey(schema, place.path, key));
  }
  for (const accessor of schema.accessors) {
    if (!Object.hasOwn(value, accessor.name))
      write(accessor, (value as Record<string, unknown>)[accessor.name], value, plain, place, writing);
  }
  return plain;
}

// A method in a field of an instance may be left out: the handler's instance gets it from its constructor. In a plain object
// it would be lost.
const isLeftOut = (item: unknown, owner: object): boolean =>
  item === undefined || (typeof item === 'function' && !isPlain(owner));

function write(
  property: PropertySchema,
  item: unknown,
  owner: object,
  plain: Record<string, unknown>,
  place: Place,
  writing: Writing,
): void {
  if (!property.isWritten) return;
  const value = property.writers.reduce((written, writer) => writer(written, owner), item);
  if (value === undefined) return;
  const isItem = typeof value === 'object' && value !== null;
  plain[property.wireName] = isItem
    ? itemOf(property, value, owner, { ...place, path: join(place.path, property.name) }, writing)
    : value === 0
      ? 0 // see scalarOf
      : value;
}

// JSON has only one zero: -0 would come back as 0, and the payload of the job would differ from the payload of the handler.
const scalarOf = (value: unknown): unknown => (value === 0 ? 0 : value);

function itemOf(property: PropertySchema, value: unknown, owner: object, place: Place, writing: Writing): unknown {
  if (typeof value !== 'object' || value === null) return scalarOf(value);
  if (place.depth > writing.maxDepth) throw tooDeep(writing.root, writing.maxDepth, writing.name);
  if (Array.isArray(value)) return itemsOf(property, value, owner, place, writing);
  // A transform may return any class, so the declared type says nothing. The class of the value decides.
  const target = property.isTransformed ? classSchemaOfValue(value, property) : targetOf(property, value, owner);
  if (types.isDate(value) && (target === Date || property.isTransformed)) return isoOf(value, place.path);
  if (typeof target === 'object' && !types.isDate(value)) return nestedOf(property, target, value, place, writing);
  writing.isCopy = false;
  return value;
}

function itemsOf(
  property: PropertySchema,
  items: readonly unknown[],
  owner: object,
  place: Place,
  writing: Writing,
): unknown[] {
  const flaw = arrayFlaw(items);
  if (flaw) throw new NotSerializableError(place.path, flaw.what, flaw.advice);
  const copy = items.map((item, index) =>
    itemOf(property, item, owner, { ...place, path: join(place.path, index), depth: place.depth + 1 }, writing),
  );
  // map() of an array of another realm returns an array of that realm, which may have its own toJSON.
  if (Object.getPrototypeOf(copy) !== Array.prototype) writing.isCopy = false;
  return copy;
}

function isoOf(date: Date, path: string): string {
  if (Number.isNaN(date.getTime()))
    throw new NotSerializableError(path, 'an invalid Date', 'check how the Date is created');
  return date.toISOString();
}

function nestedOf(
  property: PropertySchema,
  target: ClassSchema,
  value: object,
  place: Place,
  writing: Writing,
): unknown {
  // An instance of an undeclared class has unknown data. The codec refuses it with an error that names the class.
  if (!isPlain(value) && !(value instanceof target.cls)) {
    writing.isCopy = false;
    return value;
  }
  const discriminator = property.type?.discriminator;
  const allowed = discriminator?.property;
  const plain = plainOf(target, value, { path: place.path, depth: place.depth + 1, allowed }, writing);
  const subType = discriminator && subTypeOf(discriminator, value);
  const name = discriminator?.subTypes.find((sub) => sub.value === subType)?.name;
  return allowed !== undefined && name !== undefined ? { ...plain, [allowed]: name } : plain;
}
