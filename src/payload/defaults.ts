import { classTransformer } from './class-libraries.js';
import { isDeepStrictEqual } from 'node:util';
import { classSchemaOfValue, type ClassSchema, type PropertySchema } from './class-schema.js';
import { addToPlain } from './to-plain.js';
import type { Validation } from './validation.js';
import { join } from './violations.js';

type PlainObject = Record<string, unknown>;

/**
 * What {@link addDefaults} has added. `scalars`: only values that a worker reads unchanged. `values`: other values, so the
 * payload must be read again.
 */
export type Added = 'nothing' | 'scalars' | 'values';

interface Adding {
  readonly validation: Validation;
  readonly maxDepth: number;
}

/**
 * Adds to the plain data of a message what its instance has besides: the default values of the fields of its class, at all
 * levels. Without this, each attempt would make them again, and `key = randomUUID()` would differ each time.
 *
 * It adds no value that a `@Transform` to class would change: that transform has not run on the default value.
 *
 * @throws InvalidPayloadError, NotSerializableError for a default value that cannot be stored
 */
export function addDefaults(schema: ClassSchema, plain: PlainObject, instance: object, adding: Adding): Added {
  return isWhole(schema, plain, instance)
    ? 'nothing'
    : addTo(schema, plain, instance, { ...adding, path: '', depth: 1 });
}

/** Whether there is nothing to add. Most messages are whole, and this looks at them without making any object. */
function isWhole(schema: ClassSchema, plain: PlainObject, instance: object): boolean {
  for (const property of schema.properties.values()) {
    const item = plain[property.wireName];
    if (item === undefined) {
      if (property.isWritten && (instance as PlainObject)[property.name] !== undefined) return false;
    } else if (typeof item === 'object' && item !== null && property.type && !property.isTransformed) {
      if (!isWholeInside(property, item, (instance as PlainObject)[property.name])) return false;
    }
  }
  return true;
}

function isWholeInside(property: PropertySchema, plain: object, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (Array.isArray(plain) && Array.isArray(value)) {
    for (let i = 0; i < plain.length; i++) {
      const item: unknown = plain[i];
      if (typeof item === 'object' && item !== null && !isWholeInside(property, item, value[i])) return false;
    }
    return true;
  }
  const schema = classSchemaOfValue(value, property);
  return schema === undefined || isWhole(schema, plain as PlainObject, value);
}

interface Place extends Adding {
  readonly path: string;
  readonly depth: number;
}

function addTo(schema: ClassSchema, plain: PlainObject, instance: object, place: Place): Added {
  let added: Added = 'nothing';
  for (const property of schema.properties.values()) {
    if (!property.isWritten || !property.isRead) continue;
    const value = (instance as PlainObject)[property.name];
    if (value === undefined || typeof value === 'function') continue;
    const found = Object.hasOwn(plain, property.wireName)
      ? addInside(property, plain[property.wireName], value, place)
      : addOne(schema, property, plain, instance, place);
    added = most(added, found);
  }
  return added;
}

/** The default values of nested objects, which the message contains. */
function addInside(property: PropertySchema, plain: unknown, value: unknown, place: Place): Added {
  if (!property.type || property.isTransformed) return 'nothing';
  if (typeof plain !== 'object' || plain === null || typeof value !== 'object' || value === null) return 'nothing';
  const path = join(place.path, property.name);
  const inside = { ...place, path, depth: place.depth + 1 };
  if (Array.isArray(plain) && Array.isArray(value))
    return plain
      .map((item, index) => addInside(property, item, value[index], { ...inside, path: join(place.path, index) }))
      .reduce(most, 'nothing');
  const schema = classSchemaOfValue(value, property);
  return schema ? addTo(schema, plain as PlainObject, value, inside) : 'nothing';
}

const most = (one: Added, other: Added): Added => (other === 'values' || one === 'nothing' ? other : one);

function addOne(
  schema: ClassSchema,
  property: PropertySchema,
  plain: PlainObject,
  instance: object,
  place: Place,
): Added {
  if (schema.accessors.includes(property)) return 'nothing';
  const { validation, maxDepth, path, depth } = place;
  const { name, wireName } = property;
  const value = (instance as PlainObject)[name];
  addToPlain(property, instance, plain, { path, depth, name: schema.name, maxDepth });
  if (!Object.hasOwn(plain, wireName)) return 'nothing';
  if (property.readers.length > 0 && !isDeepStrictEqual(readAgain(schema, plain, validation)[name], value)) {
    delete plain[wireName];
    return 'nothing';
  }
  const isScalar = !property.type && !property.isTransformed && typeof value !== 'object';
  return isScalar ? 'scalars' : 'values';
}

// A copy, because transforms may change the data that they get.
const readAgain = ({ cls }: ClassSchema, plain: PlainObject, { toClass }: Validation): PlainObject =>
  classTransformer().plainToInstance(cls as new () => object, structuredClone(plain), toClass) as PlainObject;
