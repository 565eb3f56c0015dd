import { InvalidOptionError } from '../core/errors.js';
import { describe, shown } from '../core/shown.js';
import { hasRules } from './class-rules.js';
import { classesOf, classSchemaOf, type ClassSchema, type PropertySchema } from './class-schema.js';
import { isMetadataReadable, type AnyClass } from './transforms.js';

const refuse = (sentence: string): never => {
  throw new InvalidOptionError('payload', sentence);
};

/**
 * Finds mistakes in a payload class when the queue is created, before the first payload.
 *
 * @throws InvalidOptionError
 */
export function checkClass(source: unknown): asserts source is new () => object {
  if (typeof source !== 'function') return refuse(notAClass(source));
  if (!hasRules(source)) return refuse(withoutRules(source));
  if (!isMetadataReadable()) {
    return refuse(
      'payload: there are two copies of class-transformer, one of them in a bundle, so its decorators are not visible here. Exclude it from the bundle ("external")',
    );
  }
  makeOne(source as new () => object);
  checkNested(classSchemaOf(source as AnyClass), new Set());
}

function notAClass(source: unknown): string {
  const made: unknown = typeof source === 'object' && source !== null ? source.constructor : undefined;
  const name = hasRules(made) ? (made as AnyClass).name : undefined;
  if (name !== undefined)
    return `invalid payload: this is an instance of ${name}. Use the class itself: { payload: ${name} }`;
  return `invalid payload ${shown(source)}: expected a class with class-validator rules, or a Standard Schema, such as one of zod`;
}

function withoutRules(source: { readonly name: string; readonly prototype: unknown }): string {
  if (source.prototype === undefined)
    return 'invalid payload (a function): expected a class with class-validator rules, or a Standard Schema, such as one of zod';
  const name = source.name || 'this class';
  return (
    `invalid payload ${name}: it has no class-validator rules, so every message would be valid. ` +
    'Decorate its properties (@IsString(), …; @Allow() for properties without a check), or leave out payload'
  );
}

function makeOne(cls: new () => object): void {
  try {
    new cls();
  } catch (cause) {
    const error = new InvalidOptionError(
      'payload',
      `invalid payload ${cls.name}: new ${cls.name}() without arguments throws, and hotqueue creates payloads that way. Make its constructor work without arguments`,
    );
    error.cause = cause;
    throw error;
  }
}

function checkNested(schema: ClassSchema, seen: Set<ClassSchema>): void {
  if (seen.has(schema)) return;
  seen.add(schema);
  for (const property of schema.properties.values()) {
    // A transform may make any value, and an excluded property has none.
    if (property.isTransformed || !property.isRead) continue;
    for (const cls of nestedClasses(schema, property)) checkNested(classSchemaOf(cls), seen);
  }
}

const converted: readonly unknown[] = [String, Number, Boolean, Date, Object, Array];

function nestedClasses(schema: ClassSchema, property: PropertySchema): AnyClass[] {
  const where = `${schema.name}.${property.name}`;
  if (builtIns.has(property.declared)) return refuse(notInJson(where, (property.declared as AnyClass).name));
  if (!property.type) return property.isValidated ? refuse(typeNotSeen(where, property.declared)) : [];
  const nested = namedClasses(property).filter((cls) => !converted.includes(cls));
  const builtIn = nested.find((cls) => typeof cls === 'function' && builtIns.has(cls));
  if (builtIn !== undefined) return refuse(notInJson(where, (builtIn as AnyClass).name));
  const open = nested.find((cls) => !hasRules(cls));
  if (open !== undefined) return refuse(openType(where, open));
  return nested as AnyClass[];
}

function namedClasses({ type }: PropertySchema): unknown[] {
  try {
    return type ? classesOf(type) : [];
  } catch {
    // The class is declared further down, or in a file that imports this one. The first payload will use it.
    return [];
  }
}

/** Classes of JavaScript and Node that class-transformer cannot make from JSON, or not as expected. */
const builtIns = new Set<unknown>([
  ...[Map, Set, WeakMap, WeakSet, Buffer, ArrayBuffer, DataView, URL, URLSearchParams, RegExp, Error],
  ...[BigInt, Symbol, Object.getPrototypeOf(Uint8Array) as unknown, Uint8Array, Int8Array, Uint16Array, Int16Array],
  ...[Uint32Array, Int32Array, Float32Array, Float64Array, Uint8ClampedArray, BigInt64Array, BigUint64Array],
]);

const notInJson = (where: string, name: string): string =>
  `invalid payload property ${where}: JSON has no ${name}. Declare a type that JSON has, such as an array, an object or a string. ` +
  `Or convert it with two @Transform(): one with toClassOnly makes the ${name}, one with toPlainOnly makes the JSON`;

function typeNotSeen(where: string, declared: unknown): string {
  const name = typeof declared === 'function' && !converted.includes(declared) ? declared.name : 'ItsClass';
  return (
    `invalid payload property ${where}: it has @ValidateNested(), but no visible @Type(), so no value would be valid. ` +
    `Add @Type(() => ${name}). If it has @Type(), that came from a second copy of class-transformer: ` +
    'run "npm ls class-transformer", and "npm dedupe"'
  );
}

function openType(where: string, cls: unknown): string {
  const name = typeof cls === 'function' ? cls.name : describe(cls);
  return (
    `invalid payload property ${where}: it has @Type(() => ${name}), but ${name} has no class-validator rules. ` +
    'Add rules to it, or convert the value with @Transform()'
  );
}
