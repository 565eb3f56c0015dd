import type { PayloadClass } from '../types.js';
import { validationOf, type Validation } from '../validation.js';
import { generate } from './codegen.js';
import { Outside, type NotCompiled } from './outside.js';
import { planOf, reasonOf } from './plan.js';
import type { OnDoubt } from './steps.js';

/**
 * Returns the instance for plain data, or `undefined` in doubt. Then class-validator must decide. It never refuses
 * data. `@Transform` functions may change the data.
 */
export type Accept<T> = (plain: unknown) => T | undefined;

/** Result of {@link compile}: a fast function, or the reason why there is none. */
export type Compiled<T> = (
  | { readonly accept: Accept<T>; readonly declined?: undefined }
  | { readonly accept?: undefined; readonly declined: string }
) & {
  /** The classes that are not compiled: the class itself, or classes of its properties. */
  readonly notCompiled: readonly NotCompiled[];
  /** Whether `accept` may change the data. Then read it again before class-validator decides. */
  readonly mayChangeData: boolean;
};

/**
 * A function that accepts valid payloads of a class. It takes a fraction of the time of class-transformer and
 * class-validator, and its time does not grow with the number of classes in the process.
 *
 * It returns the same instances as class-transformer and class-validator would, for a subset of the payloads that they
 * accept. It leaves every unknown feature of the class, and every doubtful payload, to them. Only they refuse a payload.
 */
export function compile<T extends object>(cls: PayloadClass<T>, validation: Validation = validationOf()): Compiled<T> {
  try {
    return acceptFor<T>(cls, validation);
  } catch (error) {
    // For example a type function of a circular import, or a container that does not know a rule. class-transformer or
    // class-validator will throw the same error for the first payload.
    // Where code generation is forbidden, EvalError: class-validator validates all payloads.
    const declined = reasonOf(error);
    return { declined, notCompiled: [{ name: cls.name, reason: declined }], mayChangeData: false };
  }
}

function acceptFor<T extends object>(cls: PayloadClass<T>, validation: Validation): Compiled<T> {
  let isAsync = false;
  const onDoubt: OnDoubt = (answer) => {
    if (isPromise(answer)) {
      // From now on, leave all payloads to class-validator. Otherwise this rule, and its side effects, would run twice for
      // each payload.
      isAsync = true;
      answer.then(undefined, () => {});
    }
    return false;
  };
  const outside = new Outside(validation, onDoubt);
  const plan = planOf(cls, outside, validation.groups);
  const { fits, make, holds } = generate(plan, outside);
  const accept: Accept<T> = (plain) => {
    if (isAsync) return undefined;
    try {
      if (!fits(plain)) return undefined;
      const instance = make(plain as object);
      return holds(instance) ? (instance as T) : undefined;
    } catch {
      // The same error will come from class-validator, which reports it.
      return undefined;
    }
  };
  return { accept, notCompiled: outside.declined, mayChangeData: outside.mayChangeData };
}

const isPromise = (answer: unknown): answer is Promise<unknown> =>
  typeof answer === 'object' && answer !== null && typeof (answer as Partial<Promise<unknown>>).then === 'function';
