import 'reflect-metadata';
import * as classTransformer from 'class-transformer';
import * as classValidator from 'class-validator';

/**
 * The libraries of payload classes, in the copies that this one reads: what is declared at a prompt must be noted there, and
 * the folder in which a prompt runs may have none, or others.
 */
export const ownCopies: Readonly<Record<string, unknown>> = {
  'class-validator': classValidator,
  'class-transformer': classTransformer,
  'reflect-metadata': Reflect,
};

/** class-validator's decorators by their names: `IsEmail`, `Min`, … */
export function ruleDecorators(): Record<string, unknown> {
  return Object.fromEntries(Object.entries(classValidator).filter(([name, value]) => /^[A-Z]/.test(name) && typeof value === 'function' && !isClass(value)));
}

// What is exported in capitals is a decorator, or a class such as ValidationError.
const isClass = (value: object): boolean => Object.getOwnPropertyDescriptor(value, 'prototype')?.writable === false;
