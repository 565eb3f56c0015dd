import type { ValidationMetadata } from 'class-validator/types/metadata/ValidationMetadata.js';
import { classValidator } from './class-libraries.js';

/**
 * The class-validator rules of a class, including inherited ones. Empty for a value that is not a class.
 *
 * @param groups only the rules that apply with these groups; none: all rules
 */
export function rulesOf(cls: unknown, groups: readonly string[] = []): readonly ValidationMetadata[] {
  if (typeof cls !== 'function' || cls.prototype === undefined) return [];
  return classValidator()
    .getMetadataStorage()
    .getTargetValidationMetadatas(cls, '', false, false, [...groups]);
}

/** Whether a class has any class-validator rule, including `@Allow()`. False for a value that is not a class. */
export const hasRules = (cls: unknown): boolean => rulesOf(cls).length > 0;
