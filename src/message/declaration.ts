import { InvalidOptionError } from '../contract/errors.js';
import { describe } from '../contract/options.js';
import { hasRules } from './class-rules.js';
import { classesOf, outlineOf, type Outline, type Property } from './outline.js';
import { notesAreReadable, type AnyClass } from './transforms.js';

const refuse = (sentence: string): never => {
  throw new InvalidOptionError('payload', sentence);
};

/**
 * What can be wrong with a payload class before there is any payload, said while the queue is being declared.
 *
 * @throws InvalidOptionError
 */
export function checkDeclaration(source: unknown): asserts source is new () => object {
  if (typeof source !== 'function') return refuse(notAClass(source));
  if (!hasRules(source)) return refuse(withoutRules(source));
  if (!notesAreReadable()) {
    return refuse(
      'class-transformer is here in two copies, one of them inside a bundle: keep it out of the bundle ("external"), or its decorators are not seen',
    );
  }
  makeOne(source as new () => object);
  checkNested(outlineOf(source as AnyClass), new Set());
}

function notAClass(source: unknown): string {
  const made: unknown = typeof source === 'object' && source !== null ? source.constructor : undefined;
  const name = hasRules(made) ? (made as AnyClass).name : undefined;
  if (name !== undefined) return `payload: this is an instance of ${name}; give the class itself: { payload: ${name} }`;
  return `payload: ${describe(source)} is neither a class with class-validator rules nor a schema ("~standard", such as zod's)`;
}

function withoutRules(source: { readonly name: string; readonly prototype: unknown }): string {
  if (source.prototype === undefined) return 'payload: a function is neither a class with class-validator rules nor a schema';
  const name = source.name || 'this class';
  return (
    `payload: ${name} has no class-validator rules, and a class without rules would let everything through: ` +
    'decorate its properties (@IsString(), …; @Allow() for what needs no check), or leave the payload class out'
  );
}

function makeOne(cls: new () => object): void {
  try {
    new cls();
  } catch (cause) {
    const error = new InvalidOptionError(
      'payload',
      `payload: new ${cls.name}() without arguments throws, and that is how payloads are made: let its constructor need none`,
    );
    error.cause = cause;
    throw error;
  }
}

function checkNested(outline: Outline, seen: Set<Outline>): void {
  if (seen.has(outline)) return;
  seen.add(outline);
  for (const property of outline.properties.values()) {
    for (const cls of property.isTransformed ? [] : nestedClasses(outline, property)) checkNested(outlineOf(cls), seen);
  }
}

const converted: readonly unknown[] = [String, Number, Boolean, Date, Object, Array];

function nestedClasses(outline: Outline, property: Property): AnyClass[] {
  const where = `${outline.name}.${property.name}`;
  if (property.declared === Map || property.declared === Set) return refuse(notInJson(where, property.declared === Map ? 'Map' : 'Set'));
  if (!property.type) return property.isValidated ? refuse(typeNotSeen(where, property.declared)) : [];
  const nested = namedClasses(property).filter((cls) => !converted.includes(cls));
  const open = nested.find((cls) => !hasRules(cls));
  if (open !== undefined) return refuse(openType(where, open));
  return nested as AnyClass[];
}

function namedClasses({ type }: Property): unknown[] {
  try {
    return type ? classesOf(type) : [];
  } catch {
    // A class that is declared further down, or in a file that imports this one. The first payload meets it.
    return [];
  }
}

const notInJson = (where: string, name: string): string =>
  `payload: ${where} is declared as a ${name}, which JSON does not have: declare an array or an object, or bring it through with @Transform()`;

function typeNotSeen(where: string, declared: unknown): string {
  const name = typeof declared === 'function' && !converted.includes(declared) ? declared.name : 'ItsClass';
  return (
    `payload: ${where} has @ValidateNested(), but no @Type() that we can see, so no value of it could ever be valid: ` +
    `add @Type(() => ${name}). If it is there, it was noted by a second copy of class-transformer: ` +
    'see "npm ls class-transformer", and "npm dedupe"'
  );
}

function openType(where: string, cls: unknown): string {
  const name = typeof cls === 'function' ? cls.name : describe(cls);
  return (
    `payload: ${where} is @Type(() => ${name}), and ${name} has no class-validator rules: ` +
    'give it some, or bring the value through with @Transform()'
  );
}
