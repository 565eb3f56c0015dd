import type { ValidationArguments } from 'class-validator';
import type { RuleStep } from './rules.js';

/**
 * Three steps, in the same order as in the ordinary validation (`verdictOf`): check the shape, create the instances, check
 * the rules. The order matters because constructors and custom rules may have side effects: no instance is created before
 * all keys are checked, and no rule is called before all instances are created.
 */
export interface Steps {
  /** True only if the shape is valid. */
  readonly fits: (plain: unknown) => boolean;
  /** The instance, for data that fits. `undefined` if that is unsupported. */
  readonly make: (plain: object) => object | undefined;
  /** True only if no rule is broken. */
  readonly holds: (instance: unknown) => boolean;
}

/** Called with each result of a rule that is not `true`. Returns false, for the caller to return. */
export type OnDoubt = (answer: unknown) => false;

/**
 * Arguments for one call of a rule. A new object for each call, as in class-validator: a rule may keep it, or call other
 * rules.
 */
export function argumentsOf(
  targetName: string,
  { rule }: RuleStep,
  object: object,
  value: unknown,
): ValidationArguments {
  return { targetName, property: rule.propertyName, object, value, constraints: rule.constraints as unknown[] };
}

/**
 * Whether class-validator would use the rules of exactly this class for a value. A default value may be of another class,
 * and a constructor may return any object.
 */
export function isExactly(value: unknown, cls: new () => object): value is object {
  if (typeof value !== 'object' || value === null) return false;
  return Object.getPrototypeOf(value) === cls.prototype && value.constructor === cls;
}
