import type { ValidationError, Validator, ValidatorOptions } from 'class-validator';
import type { ValidationExecutor } from 'class-validator/cjs/validation/ValidationExecutor.js';
import type { ConstraintMetadata } from 'class-validator/types/metadata/ConstraintMetadata.js';
import type { ValidationMetadata } from 'class-validator/types/metadata/ValidationMetadata.js';
import { classValidator, validationExecutor } from './class-libraries.js';
import { isBuiltIn } from './compiled/built-in.js';
import { isEnumValue } from './enum-values.js';

/**
 * class-validator with three more checks, for data that it accepts although a handler cannot use it: one value where each
 * item of an array is checked, an absent nested object, and the name of a numeric enum value.
 */
export function strictExecutor(options: ValidatorOptions): ValidationExecutor {
  made ??= { validator: new (classValidator().Validator)(), Executor: makeStrictExecutor() };
  return new made.Executor(made.validator, options);
}

let made: { readonly validator: Validator; readonly Executor: ReturnType<typeof makeStrictExecutor> } | undefined;

/** class-validator is loaded only when a queue has a payload class, so the class is made then. */
function makeStrictExecutor() {
  return class StrictExecutor extends validationExecutor().ValidationExecutor {
    protected override customValidations(
      object: object,
      value: unknown,
      metadatas: ValidationMetadata[],
      error: ValidationError,
    ): void {
      super.customValidations(object, value, metadatas, error);
      const constraints = error.constraints!;
      for (const metadata of metadatas) {
        if (this.validatorOptions?.stopAtFirstError && Object.keys(constraints).length > 0) return;
        if (metadata.each && isSingle(value))
          constraints['isArray'] ??= `${metadata.propertyName} must be an array, because its rules have each: true`;
        const constraint = enumConstraint(metadata);
        if (constraint === undefined || (constraint.name ?? '') in constraints) continue;
        if (metadata.validateIf && !metadata.validateIf(object, value)) continue;
        if (metadata.each ? itemsOf(value).every(isValueOf(metadata)) : isValueOf(metadata)(value)) continue;
        const [type, message] = this.createValidationError(object, value, metadata, constraint);
        constraints[type] = message;
      }
    }

    protected override nestedValidations(
      value: unknown,
      metadatas: ValidationMetadata[],
      error: ValidationError,
    ): void {
      const [metadata] = metadatas;
      // Properties that may be absent have @IsOptional, and then class-validator does not call this method.
      if (value === undefined && metadata)
        error.constraints!['isDefined'] ??=
          `${metadata.propertyName} must be given, because it has @ValidateNested() without @IsOptional()`;
      else super.nestedValidations(value, metadatas, error);
    }

    // The message function of a rule may throw, or return something else than a string. Without this, the error would not say
    // which property and rule it is about.
    protected override createValidationError(
      object: object,
      value: unknown,
      metadata: ValidationMetadata,
      constraint?: ConstraintMetadata,
    ): [type: string, message: string] {
      const rule = constraint?.name ?? metadata.type;
      try {
        const [type, message] = super.createValidationError(object, value, metadata, constraint) as [string, unknown];
        return [type, typeof message === 'string' ? message : `breaks the rule ${rule}, whose message is not a string`];
      } catch {
        return [rule, `breaks the rule ${rule}, whose message function threw`];
      }
    }
  };
}

const isSingle = (value: unknown): boolean =>
  value !== undefined && value !== null && !(Array.isArray(value) || value instanceof Set || value instanceof Map);

function itemsOf(value: unknown): unknown[] {
  if (Array.isArray(value)) return value as unknown[];
  return value instanceof Set || value instanceof Map ? [...value.values()] : [value];
}

const isValueOf =
  ({ constraints }: ValidationMetadata) =>
  (value: unknown): boolean =>
    isEnumValue((constraints as [Record<string, unknown>])[0], value);

const enums = new WeakMap<ValidationMetadata, ConstraintMetadata | false>();

/** The constraint of a rule that is `@IsEnum` of class-validator. */
function enumConstraint(metadata: ValidationMetadata): ConstraintMetadata | undefined {
  if (metadata.name !== 'isEnum') return undefined;
  let found = enums.get(metadata);
  if (found === undefined) {
    const [constraint] = classValidator().getMetadataStorage().getTargetValidatorConstraints(metadata.constraintCls);
    found = constraint && isBuiltIn('isEnum', constraint.instance) ? constraint : false;
    enums.set(metadata, found);
  }
  return found || undefined;
}
