// `@Type` asks Reflect for `design:type`, also where no compiler has put any.
import 'reflect-metadata';
import { InvalidOptionError } from '../contract/errors.js';
import { describe } from '../contract/options.js';

/**
 * class-validator's and class-transformer's decorators without decorator syntax, for plain JavaScript and for projects
 * with standard decorators, which those do not understand:
 *
 *     static { rules(this, { to: IsEmail(), sizes: [ValidateNested({ each: true }), Type(() => Size)] }); }
 *
 * @returns `cls`
 * @throws InvalidOptionError for what is no decorator, such as `IsEmail` without its parentheses
 */
export function rules<C extends abstract new (...args: never[]) => object>(
  cls: C,
  map: { [K in keyof InstanceType<C>]?: PropertyDecorator | readonly PropertyDecorator[] },
): C {
  for (const [property, given] of Object.entries(map) as [string, unknown][]) {
    // Last first, as the compiler applies decorators.
    for (const decorator of [given].flat().reverse()) decorate(cls, property, decorator);
  }
  return cls;
}

function decorate(cls: abstract new (...args: never[]) => object, property: string, decorator: unknown): void {
  if (typeof decorator !== 'function') throw notADecorator(property, describe(decorator));
  const made: unknown = (decorator as PropertyDecorator)(cls.prototype as object, property);
  // What gives a function back is what makes decorators, and has decorated nothing.
  if (typeof made === 'function') throw notADecorator(property, `${decorator.name || 'it'} without its parentheses`);
}

function notADecorator(property: string, what: string): InvalidOptionError {
  return new InvalidOptionError('rules', `rules: for "${property}" there is ${what}; give decorators, such as IsString()`);
}
