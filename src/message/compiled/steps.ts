import type { ValidationArguments } from 'class-validator';
import type { Plan } from './plan.js';
import type { RuleStep } from './rule-steps.js';

/**
 * The three steps of the ordinary way, in its order, so that what has effects (constructors, rules of the user's) runs when it
 * would run there: nothing is made before all keys are known, and no rule is asked before all is made.
 */
export interface Steps {
  /** Implies that no shape is violated. */
  readonly fits: (plain: unknown) => boolean;
  /** The instance, of what fits; `undefined` when not sure after all. */
  readonly make: (plain: object) => object | undefined;
  /** Implies that no rule is broken. */
  readonly holds: (instance: unknown) => boolean;
}

/** Told of each answer of a rule that was not `true`. Gives false, to be returned. */
export type OnDoubt = (answer: unknown) => false;

/** A new object for each question, as in class-validator: a rule may keep it, or ask others meanwhile. */
export function argumentsOf(targetName: string, { rule }: RuleStep, object: object, value: unknown): ValidationArguments {
  return { targetName, property: rule.propertyName, object, value, constraints: rule.constraints as unknown[] };
}

/**
 * Whether class-validator would look up the rules of this very class for a value. Its own default may have put anything
 * there, and a constructor may return what it likes.
 */
export function isExactly(value: unknown, { cls }: Plan): value is object {
  if (typeof value !== 'object' || value === null) return false;
  return Object.getPrototypeOf(value) === cls.prototype && value.constructor === cls;
}
