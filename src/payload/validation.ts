import type { ClassTransformOptions } from 'class-transformer';
import type { ValidatorOptions } from 'class-validator';
import type { ValidationOptions } from '../core/options/validation.js';

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
