/**
 * Three steps, and all of them in one call. The steps are in the same order as in the ordinary validation (`verdictOf`): check the shape,
 * create the instances, check the rules. The order matters because constructors and custom rules may have side effects: no instance is created before
 * all keys are checked, and no rule is called before all instances are created.
 */
export interface Steps {
  /** True only if the shape is valid. */
  readonly fits: (plain: unknown) => boolean;
  /** The instance, for data that fits. `undefined` if that is unsupported. */
  readonly make: (plain: object) => object | undefined;
  /** True only if no rule is broken. */
  readonly holds: (instance: unknown) => boolean;
  /** The instance, for data that fits and breaks no rule. `undefined` in doubt, also if a step throws. */
  readonly accept: (plain: unknown) => object | undefined;
}

/** Called with each result of a rule that is not `true`. Returns false, for the caller to return. */
export type OnDoubt = (answer: unknown) => false;

/**
 * Whether class-validator would use the rules of exactly this class for a value. A default value may be of another class,
 * and a constructor may return any object.
 */
export function isExactly(value: unknown, cls: new () => object): value is object {
  if (typeof value !== 'object' || value === null) return false;
  return Object.getPrototypeOf(value) === cls.prototype && value.constructor === cls;
}

/** {@link isExactly} as source text, for the hot path. */
export const isExactlyText = (value: string, cls: string): string =>
  `typeof ${value} === 'object' && ${value} !== null && getPrototypeOf(${value}) === ${cls}.prototype && ${value}.constructor === ${cls}`;
