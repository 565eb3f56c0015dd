import { types } from 'node:util';
import { NotSerializableError, type Violation } from '../contract/errors.js';
import { isPlain } from './json.js';
import { outlineOfValue, subTypeOf, targetOf, type Outline, type Property } from './outline.js';
import { tooDeep } from './serializer.js';
import { unknownKey } from './unknown-keys.js';
import { invalidAll, isEnough, join } from './violations.js';

interface Writing {
  /** The message, and what it is to be. */
  readonly root: object;
  readonly name: string;
  readonly maxDepth: number;
  readonly found: Violation[];
  isCopy: boolean;
}

/** The plain data of a message. */
export interface Written {
  readonly plain: Record<string, unknown>;
  /** Whether all of it was copied, down to the last object: so no getter of the caller's is in it, and it stays as it is. */
  readonly isCopy: boolean;
}

/**
 * The plain data of an instance, or of a plain object with the same properties, as `@Expose`, `@Exclude` and `@Transform`
 * want it: a copy, except for data of which the class says nothing more.
 *
 * class-transformer's own instanceToPlain is not used: it needs instances all the way down, calls functions, turns a Map
 * into an object, and writes discriminators into the caller's objects.
 *
 * @throws InvalidPayloadError for properties that have no rule, and for more than `maxDepth` levels
 * @throws NotSerializableError for a Date that is none, and for what contains itself
 */
export function toPlain(outline: Outline, value: object, maxDepth: number): Written {
  const found: Violation[] = [];
  const writing: Writing = { root: value, name: outline.name, maxDepth, found, isCopy: true };
  const plain = plainOf(outline, value, { path: '', depth: 1, allowed: undefined }, writing);
  if (found.length > 0) throw invalidAll(outline.name, found);
  return { plain, isCopy: writing.isCopy };
}

interface Place {
  readonly path: string;
  readonly depth: number;
  /** A key that is welcome without a rule: the one that tells subclasses apart. */
  readonly allowed: string | undefined;
}

function plainOf(outline: Outline, value: object, place: Place, writing: Writing): Record<string, unknown> {
  const plain: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    const item = (value as Record<string, unknown>)[key];
    const property = outline.properties.get(key);
    if (property) write(property, item, value, plain, place, writing);
    else if (key === place.allowed) plain[key] = item;
    else if (!isLeftOut(item, value) && !isEnough(writing.found)) writing.found.push(unknownKey(outline, place.path, key));
  }
  for (const accessor of outline.accessors) {
    if (!Object.hasOwn(value, accessor.name)) write(accessor, (value as Record<string, unknown>)[accessor.name], value, plain, place, writing);
  }
  return plain;
}

// A method kept in a field of an instance comes back with the next instance; in a plain object it would be lost.
const isLeftOut = (item: unknown, owner: object): boolean => item === undefined || (typeof item === 'function' && !isPlain(owner));

function write(property: Property, item: unknown, owner: object, plain: Record<string, unknown>, place: Place, writing: Writing): void {
  if (!property.isWritten) return;
  const value = property.writers.reduce((written, writer) => writer(written, owner), item);
  if (value === undefined) return;
  const isItem = typeof value === 'object' && value !== null;
  plain[property.wireName] = isItem ? itemOf(property, value, owner, { ...place, path: join(place.path, property.name) }, writing) : scalarOf(value);
}

// JSON has one zero, and what is written is to be what will be read.
const scalarOf = (value: unknown): unknown => (value === 0 ? 0 : value);

function itemOf(property: Property, value: unknown, owner: object, place: Place, writing: Writing): unknown {
  if (typeof value !== 'object' || value === null) return scalarOf(value);
  if (place.depth > writing.maxDepth) throw tooDeep(writing.root, writing.maxDepth, writing.name);
  if (Array.isArray(value)) return itemsOf(property, value, owner, place, writing);
  // After a transform nothing is declared, so an instance is asked what it is.
  const target = property.isTransformed ? outlineOfValue(value) : targetOf(property, value, owner);
  if (types.isDate(value) && (target === Date || property.isTransformed)) return isoOf(value, place.path);
  if (typeof target === 'object' && !types.isDate(value)) return nestedOf(property, target, value, place, writing);
  writing.isCopy = false;
  return value;
}

function itemsOf(property: Property, items: readonly unknown[], owner: object, place: Place, writing: Writing): unknown[] {
  const copy = items.map((item, index) => itemOf(property, item, owner, { ...place, path: join(place.path, index), depth: place.depth + 1 }, writing));
  // Of an array of another kind it is one of that kind, which may have a toJSON of its own.
  if (Object.getPrototypeOf(copy) !== Array.prototype) writing.isCopy = false;
  return copy;
}

function isoOf(date: Date, path: string): string {
  if (Number.isNaN(date.getTime())) throw new NotSerializableError(path, 'an invalid Date', 'check what the Date is made from');
  return date.toISOString();
}

function nestedOf(property: Property, target: Outline, value: object, place: Place, writing: Writing): unknown {
  // Of a stranger's class we cannot know what its data is; the codec refuses it by name.
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
