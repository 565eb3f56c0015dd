import { getMetadataStorage } from 'class-validator';
import type { ValidationMetadata } from 'class-validator/types/metadata/ValidationMetadata.js';

/** The class-validator rules of a class, inherited ones included. */
export function rulesOf(cls: unknown): readonly ValidationMetadata[] {
  if (typeof cls !== 'function' || cls.prototype === undefined) return [];
  return getMetadataStorage().getTargetValidationMetadatas(cls, '', false, false);
}

/** Whether a class has any class-validator rule, `@Allow()` included. False for whatever is no class. */
export const hasRules = (cls: unknown): boolean => rulesOf(cls).length > 0;
