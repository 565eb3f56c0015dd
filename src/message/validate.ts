import { Validator, type ValidationError, type ValidatorOptions } from 'class-validator';
// What `validate` and `validateSync` are made of. The first is always asynchronous; the second ignores asynchronous rules,
// and takes the promise of an undeclared one for "valid". The executor tells which rules were asynchronous this time.
import { ValidationExecutor } from 'class-validator/cjs/validation/ValidationExecutor.js';
import type { Violation } from '../contract/errors.js';
import { andThen, join } from './violations.js';

// No targets and values: an error is logged and lies among the dead letters, and the payload is nobody's business there.
// `forbidUnknownValues` keeps its default: without it, an object of no known class would pass.
const options: ValidatorOptions = { validationError: { target: false, value: false } };
const validator = new Validator();

/** The rules that an instance breaks, in class-validator's order; a promise only when a rule gave one. */
export function brokenRules(instance: object): Violation[] | Promise<Violation[]> {
  return andThen(validationErrors(instance), (errors) => errors.flatMap((error) => violationsOf(error, '')));
}

function validationErrors(instance: object): ValidationError[] | Promise<ValidationError[]> {
  const executor = new ValidationExecutor(validator, options);
  const errors: ValidationError[] = [];
  try {
    executor.execute(instance, '', errors);
  } catch (error) {
    // A rule threw while others are under way: nobody will wait for those, so their failures must not end the process.
    for (const promise of executor.awaitingPromises) promise.catch(() => {});
    throw error;
  }
  if (executor.awaitingPromises.length === 0) return executor.stripEmptyErrors(errors);
  return Promise.all(executor.awaitingPromises).then(() => executor.stripEmptyErrors(errors));
}

function violationsOf(error: ValidationError, above: string): Violation[] {
  const path = error.property === undefined ? above : join(above, error.property);
  const own = Object.entries(error.constraints ?? {}).map(([rule, message]) => violationOf(path, error.property, rule, message));
  return [...own, ...(error.children ?? []).flatMap((child) => violationsOf(child, path))];
}

function violationOf(path: string, property: string | undefined, rule: string, message: string): Violation {
  if (rule === 'unknownValue') return { path, rule, message: strange };
  // "to: must be an email" and not "to: to must be an email".
  const start = `${property} `;
  return { path, rule, message: property !== undefined && message.startsWith(start) ? message.slice(start.length) : message };
}

const strange =
  'is an object of no class with rules: name its class with @Type(() => ItsClass), ' +
  'from the one copy of class-transformer that hotqueue uses ("npm ls class-transformer" shows them)';
