import type { Violation } from '../core/errors.js';
import { targetOf, type ClassSchema, type PropertySchema, type Target } from './class-schema.js';
import { isEnough, join, segment } from './violations.js';

/**
 * Maximum number of keys in an object. class-transformer compares each key of an object with all others: 1,000 keys take
 * half a millisecond, 30,000 take a third of a second and block the process.
 */
export const mostKeys = 1000;

type PlainObject = Record<string, unknown>;

/**
 * Violations of the shape of a plain object, found before it is converted: keys without a rule, an array instead of an
 * object, an object instead of an array or of a number. class-validator would find unknown keys only after class-transformer
 * has converted them, and it would not find the other violations.
 *
 * @param strips true: deletes keys without a rule
 */
export function shapeViolations(schema: ClassSchema, plain: PlainObject, strips = false): Violation[] {
  const search: Search = { strips, found: [] };
  judgeObject(schema, plain, '', undefined, search);
  return search.found;
}

interface Search {
  readonly strips: boolean;
  readonly found: Violation[];
}

function judgeObject(
  schema: ClassSchema,
  plain: PlainObject,
  path: string,
  allowed: string | undefined,
  search: Search,
): void {
  for (const key of Object.keys(plain)) {
    if (isEnough(search.found)) return;
    const property = schema.wire.get(key);
    const value = plain[key];
    if (property) judgeProperty(property, value, plain, path, search);
    else if (key === allowed) continue;
    else if (search.strips) delete plain[key];
    else search.found.push(unknownKey(schema, path, key));
  }
}

/** The violation for a key without a rule. */
export function unknownKey(schema: ClassSchema, path: string, key: string): Violation {
  return {
    path: join(path, segment(key)),
    rule: 'unknownKey',
    message: `${schema.name} has no rule for this property (add @Allow() to accept any value)`,
  };
}

function judgeProperty(
  property: PropertySchema,
  value: unknown,
  owner: PlainObject,
  path: string,
  search: Search,
): void {
  if (value === null) return;
  if (typeof value !== 'object' && !property.type) return;
  const at = join(path, property.wireName);
  // A transform to the class may accept any shape. The rules check its result later.
  if (!property.type || property.readers.length > 0) return judgeOpen(value, at, search);
  if (property.isArray !== undefined && Array.isArray(value) !== property.isArray) {
    const message = property.isArray ? 'must be an array' : 'must be one object or value, not an array';
    return void search.found.push({ path: at, rule: 'type', message });
  }
  if (!Array.isArray(value)) return judgeItem(property, value, owner, at, search);
  judgeItems(property, value, owner, at, property.hasRows, search);
}

function judgeItems(
  property: PropertySchema,
  items: readonly unknown[],
  owner: PlainObject,
  path: string,
  areRows: boolean,
  search: Search,
): void {
  items.forEach((item, index) => {
    const at = join(path, index);
    if (!areRows) return judgeItem(property, item, owner, at, search);
    if (Array.isArray(item)) return judgeItems(property, item, owner, at, false, search);
    search.found.push({ path: at, rule: 'type', message: 'must be an array' });
  });
}

function judgeItem(property: PropertySchema, value: unknown, owner: PlainObject, at: string, search: Search): void {
  if (value === null) return;
  const object = typeof value === 'object' ? value : undefined;
  const target = targetOf(property, object, owner);
  if (target === undefined) return judgeOpen(value, at, search);
  const wrong = isClassSchema(target) ? itemWrong(object) : conversionWrong(target, value);
  if (wrong !== undefined) search.found.push({ path: at, rule: 'type', message: wrong });
  else if (object && isClassSchema(target))
    judgeObject(target, object as PlainObject, at, property.type?.discriminator?.property, search);
}

const isClassSchema = (target: Target): target is ClassSchema => typeof target === 'object';

// class-validator descends into nested arrays, so `[[]]` would be a valid array of objects.
const itemWrong = (object: object | undefined): string | undefined =>
  Array.isArray(object)
    ? 'must be an object, not an array (add @IsArray({ each: true }) if this is an array of arrays)'
    : undefined;

// Without this check, class-transformer would convert {} to the string "[object Object]", and true to a date.
function conversionWrong(target: Target, value: unknown): string | undefined {
  if (target !== Date) return typeof value === 'object' ? 'must be a string, a number or a boolean' : undefined;
  const isDate = (typeof value === 'string' || typeof value === 'number') && !Number.isNaN(new Date(value).getTime());
  return isDate ? undefined : 'must be a date';
}

/** Data without a declared type: only objects that are too large for class-transformer are violations. */
function judgeOpen(value: unknown, at: string, search: Search): void {
  if (typeof value !== 'object' || value === null) return;
  const keys = Array.isArray(value) ? [] : Object.keys(value);
  if (keys.length > mostKeys) {
    return void search.found.push({
      path: at,
      rule: 'type',
      message: `has ${keys.length} keys: an object inside a payload class may have ${mostKeys}`,
    });
  }
  for (const item of Object.values(value)) judgeOpen(item, at, search);
}
