import type { ClassTransformOptions } from 'class-transformer';
import { classTransformer } from '../class-libraries.js';
import { mostKeys } from '../whitelist.js';

/**
 * Handles a property value that is not an object of a class. `fits` is true only if `shapeViolations` finds nothing. `make`
 * returns the same value as class-transformer.
 */
export interface Converter {
  readonly fits: (value: unknown) => boolean;
  /** Only for values that fit. `undefined` if the value is unsupported. */
  readonly make: (value: unknown) => unknown;
  /** Whether every string, number and boolean fits, and is made into itself. Generated code calls nothing for them. */
  readonly keepsScalars?: true;
}

/** A property without `@Type`: any JSON value, copied at all levels, as class-transformer does. */
export const open: Converter = { fits: isData, make: copyOf, keepsScalars: true };

function isData(value: unknown): boolean {
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'boolean':
      return true;
    case 'object':
      return value === null || (Array.isArray(value) ? isDataAll(value) : isDataEach(value));
    default:
      return false;
  }
}

function isDataAll(items: readonly unknown[]): boolean {
  // By index, so that a hole counts as undefined and does not fit: class-transformer would remove it.
  for (let i = 0; i < items.length; i++) if (!isData(items[i])) return false;
  return true;
}

function isDataEach(object: object): boolean {
  if (!isPlainObject(object)) return false;
  const keys = Object.keys(object);
  if (keys.length > mostKeys) return false;
  // Keys of Object.prototype do not fit: class-transformer leaves them out, and mishandles `constructor`.
  for (const key of keys) if (key in Object.prototype || !isData(object[key])) return false;
  return true;
}

function copyOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(copyOf);
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(value)) copy[key] = copyOf((value as Record<string, unknown>)[key]);
  return copy;
}

/**
 * Stricter than `isPlain` in json.ts: no objects of another realm or without a prototype. class-transformer converts those
 * to something else.
 */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** {@link isPlainObject} as source text, for the hot path. */
export const isPlainObjectText = (value: string): string =>
  `typeof ${value} === 'object' && ${value} !== null && getPrototypeOf(${value}) === objectPrototype`;

/**
 * A property with `@Type` and `@Transform`: any JSON value, converted to the type as class-transformer does, also if that
 * makes no sense. The transform and the rules decide about the result.
 */
export function looseConverter(to: unknown, options: ClassTransformOptions): Converter {
  const convert = (value: unknown): unknown =>
    classTransformer().plainToInstance(to as new () => object, value, options);
  const one = scalars.get(to) ?? ((value: unknown): unknown => value);
  return {
    fits: isData,
    make: (value) => (value === null ? null : typeof value === 'object' ? convert(value) : one(value)),
  };
}

const scalars = new Map<unknown, (value: unknown) => unknown>([
  [Date, (value) => new Date(value as string)],
  [String, String],
  [Number, Number],
  [Boolean, Boolean],
]);

/** A property with `@Type(() => Date)`, or with one of the primitive types. */
export function converterFor(to: unknown, isArray: boolean): Converter | undefined {
  const one = conversions.get(to);
  if (!one || !isArray) return one;
  return {
    fits: (value) => value === null || (Array.isArray(value) && hasNoHoles(value) && value.every(one.fits)),
    make: (value) => (value === null ? null : all((value as unknown[]).map(one.make))),
  };
}

const hasNoHoles = (items: readonly unknown[]): boolean => !items.includes(undefined);
const all = (items: unknown[]): unknown => (items.includes(undefined) ? undefined : items);

function isScalar(value: unknown): value is string | number | boolean | null {
  return value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

const by = (convert: (value: unknown) => unknown): Converter => ({
  fits: isScalar,
  make: (value) => (value === null ? null : convert(value)),
});

const conversions = new Map<unknown, Converter>([
  [Date, { fits: (value) => isScalar(value) && typeof value !== 'boolean', make: dateOf }],
  [String, by(String)],
  [Number, by(Number)],
  [Boolean, by(Boolean)],
]);

function dateOf(value: unknown): Date | null | undefined {
  if (value === null) return null;
  const date = new Date(value as string | number);
  return Number.isNaN(date.getTime()) ? undefined : date;
}
