import 'reflect-metadata';
import { classTransformer, classValidator } from './class-libraries.js';

/**
 * The libraries for payload classes, in the copies that hotqueue itself imports. Classes that are declared at a prompt must
 * use these: the folder of the prompt may have other copies or none, and hotqueue would not see the decorators of another
 * copy.
 */
export const ownCopies: Readonly<Record<string, (() => unknown) | undefined>> = {
  'class-validator': classValidator,
  'class-transformer': classTransformer,
  'reflect-metadata': () => Reflect,
};

/** The decorators of class-validator by name: `IsEmail`, `Min`, … */
export function ruleDecorators(): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(classValidator()).filter(
      ([name, value]) => /^[A-Z]/.test(name) && typeof value === 'function' && !isClass(value),
    ),
  );
}

// Exports with a capital letter are decorators, or classes such as ValidationError. The `prototype` of a class is not
// writable.
const isClass = (value: object): boolean => Object.getOwnPropertyDescriptor(value, 'prototype')?.writable === false;
