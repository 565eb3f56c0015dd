// `@Type` calls Reflect.getMetadata, also if the compiler emits no metadata.
import 'reflect-metadata';
import { InvalidOptionError } from '../core/errors.js';
import { describe } from '../core/shown.js';

/**
 * Adds decorators of class-validator and class-transformer to a class without decorator syntax.
 *
 * Use it in plain JavaScript, and in projects with standard decorators, which these libraries do not support.
 *
 * @param cls the payload class
 * @param map for each property one decorator or an array of decorators, in the order in which they would be written above
 *   the property
 * @returns `cls`
 * @throws InvalidOptionError for a value that is not a decorator, such as `IsEmail` without parentheses
 *
 * @example
 * class SendEmail {
 *   static { rules(this, { to: IsEmail(), sizes: [ValidateNested({ each: true }), Type(() => Size)] }); }
 * }
 */
export function rules<C extends abstract new (...args: never[]) => object>(
  cls: C,
  map: { [K in keyof InstanceType<C>]?: PropertyDecorator | readonly PropertyDecorator[] },
): C {
  for (const [property, given] of Object.entries(map) as [string, unknown][]) {
    // Last first: compilers apply decorators in this order.
    for (const decorator of [given].flat().reverse()) decorate(cls, property, decorator);
  }
  return cls;
}

function decorate(cls: abstract new (...args: never[]) => object, property: string, decorator: unknown): void {
  if (typeof decorator !== 'function') throw notADecorator(property, describe(decorator));
  const made: unknown = (decorator as PropertyDecorator)(cls.prototype as object, property);
  // A decorator factory returns a decorator and has decorated nothing. A decorator returns nothing.
  if (typeof made === 'function') throw notADecorator(property, `${decorator.name || 'it'} without its parentheses`);
}

function notADecorator(property: string, what: string): InvalidOptionError {
  return new InvalidOptionError(
    'rules',
    `invalid rule of "${property}", ${what}: expected a decorator, such as IsString()`,
  );
}
