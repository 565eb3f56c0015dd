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
