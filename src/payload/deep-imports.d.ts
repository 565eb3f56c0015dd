// Types for two files of our peer dependencies, which ship the types under another path. The importing files say why they
// are needed. In the versions of our peer ranges, neither package has an `exports` map, which would forbid the import.
declare module 'class-transformer/cjs/storage.js' {
  export { defaultMetadataStorage } from 'class-transformer/types/storage.js';
}
declare module 'class-validator/cjs/validation/ValidationExecutor.js' {
  import type { ValidationError, Validator, ValidatorOptions } from 'class-validator';
  import type { ConstraintMetadata } from 'class-validator/types/metadata/ConstraintMetadata.js';
  import type { ValidationMetadata } from 'class-validator/types/metadata/ValidationMetadata.js';

  // Without the `private` of the package's own types: strict-executor.ts extends these methods.
  export class ValidationExecutor {
    awaitingPromises: Promise<unknown>[];
    protected validatorOptions?: ValidatorOptions;
    constructor(validator: Validator, options?: ValidatorOptions);
    execute(object: object, targetSchema: string, errors: ValidationError[]): void;
    stripEmptyErrors(errors: ValidationError[]): ValidationError[];
    protected customValidations(
      object: object,
      value: unknown,
      metadatas: ValidationMetadata[],
      error: ValidationError,
    ): void;
    protected nestedValidations(value: unknown, metadatas: ValidationMetadata[], error: ValidationError): void;
    protected createValidationError(
      object: object,
      value: unknown,
      metadata: ValidationMetadata,
      constraint?: ConstraintMetadata,
    ): [type: string, message: string];
  }
}
