import type { ClassTransformOptions } from 'class-transformer';
import type { ValidatorOptions } from 'class-validator';

/** Options of a queue that change how payloads of a class are validated. */
export interface ValidationOptions {
  /**
   * Keys of a message that have no rule in the class. `'refuse'`: the message is invalid. `'strip'`: `put` and workers leave
   * them out. Default: `'refuse'`.
   */
  readonly whitelist?: 'refuse' | 'strip';
  /**
   * Groups of class-validator and class-transformer. Rules, `@Expose` and `@Transform` of other groups do not apply. As in
   * class-validator, rules without a group do not apply either, unless they have `always: true`. Default: none, and then all
   * rules apply.
   */
  readonly groups?: readonly string[];
  /** True: report only the first broken rule of each property. Default: false. */
  readonly stopAtFirstError?: boolean;
  /** True: violations have an empty message, unless the rule has a message of its own. Default: false. */
  readonly dismissDefaultMessages?: boolean;
}

/** {@link ValidationOptions} in the form that the parts of the validation need. */
export interface Validation {
  readonly groups: readonly string[];
  readonly stripsUnknownKeys: boolean;
  readonly toClass: ClassTransformOptions;
  readonly rules: ValidatorOptions;
}

export function validationOf(options: ValidationOptions = {}): Validation {
  const { whitelist = 'refuse', groups = [], stopAtFirstError = false, dismissDefaultMessages = false } = options;
  const active = groups.length > 0 ? { groups: [...groups] } : {};
  return {
    groups,
    stripsUnknownKeys: whitelist === 'strip',
    // With exposeUnsetFields, an absent property with @Expose would lose its default value; one without @Expose keeps it.
    toClass: { exposeUnsetFields: false, ...active },
    // No targets and values: errors get into logs and dead letters, and must not contain the payload there.
    // `forbidUnknownValues` keeps its default, true: otherwise an object of an unknown class would be valid.
    rules: {
      validationError: { target: false, value: false },
      stopAtFirstError,
      dismissDefaultMessages,
      ...active,
    },
  };
}
