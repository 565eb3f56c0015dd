import type { ValidationError, ValidatorOptions } from 'class-validator';
import type { Violation } from '../core/errors.js';
import { strictExecutor } from './strict-executor.js';
import { andThen, join } from './violations.js';

/** The broken rules of an instance, in class-validator's order. A promise only if a rule returned one. */
export function brokenRules(instance: object, options: ValidatorOptions): Violation[] | Promise<Violation[]> {
  return andThen(validationErrors(instance, options), (errors) => errors.flatMap((error) => violationsOf(error, '')));
}

function validationErrors(instance: object, options: ValidatorOptions): ValidationError[] | Promise<ValidationError[]> {
  const executor = strictExecutor(options);
  const errors: ValidationError[] = [];
  try {
    executor.execute(instance, '', errors);
  } catch (error) {
    // A rule threw while asynchronous rules run. No code awaits those now, and an unhandled rejection would end the process.
    for (const promise of executor.awaitingPromises) promise.catch(() => {});
    throw error;
  }
  if (executor.awaitingPromises.length === 0) return executor.stripEmptyErrors(errors);
  return Promise.all(executor.awaitingPromises).then(() => executor.stripEmptyErrors(errors));
}

function violationsOf(error: ValidationError, above: string): Violation[] {
  const path = error.property === undefined ? above : join(above, error.property);
  const own = Object.entries(error.constraints ?? {}).map(([rule, message]) =>
    violationOf(path, error.property, rule, message),
  );
  return [...own, ...(error.children ?? []).flatMap((child) => violationsOf(child, path))];
}

function violationOf(path: string, property: string | undefined, rule: string, message: string): Violation {
  if (rule === 'unknownValue') return { path, rule, message: strange };
  // For "to: must be an email" instead of "to: to must be an email".
  const start = `${property} `;
  return {
    path,
    rule,
    message: property !== undefined && message.startsWith(start) ? message.slice(start.length) : message,
  };
}

const strange =
  'is not an object of a class with rules: declare its class with @Type(() => ItsClass), ' +
  'from the copy of class-transformer that hotqueue uses ("npm ls class-transformer" shows all copies)';
