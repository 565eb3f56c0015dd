import type { PayloadClass } from '../shapes.js';
import { closures } from './closures.js';
import { generate } from './generate.js';
import { planOf, type Plan } from './plan.js';
import type { OnDoubt, Steps } from './steps.js';
import { Unsure } from './unsure.js';

/** The finished instance of plain data, or `undefined`: not sure, let class-validator say. It never says no. */
export type Accept<T> = (plain: unknown) => T | undefined;

/** `generated` where code generation is allowed. */
export type Form = 'generated' | 'closures';

/** What became of a class: a fast way to accept, or why there is none. */
export type Compiled<T> = { readonly accept: Accept<T>; readonly declined?: undefined } | { readonly accept?: undefined; readonly declined: string };

/**
 * A way to accept payloads of a class that costs a fraction of the ordinary one, and no more when there are many classes.
 *
 * Whatever it accepts, the ordinary way would accept, with the same instance. All that it does not know, of the class now
 * or of data later, it leaves to that way, which also has the only say in what is wrong.
 */
export function compile<T extends object>(cls: PayloadClass<T>, form?: Form): Compiled<T> {
  try {
    return { accept: acceptor<T>(planOf(cls), form) };
  } catch (error) {
    // A type function of a circular import, a container that does not know a rule: theirs to report, with the first payload.
    return { declined: error instanceof Unsure ? error.message : `it threw: ${String(error)}` };
  }
}

function acceptor<T extends object>(plan: Plan, form: Form | undefined): Accept<T> {
  let isAsync = false;
  const onDoubt: OnDoubt = (answer) => {
    if (isPromise(answer)) {
      // Asked once in vain, and never again: whatever such a rule does, it would do twice for each payload.
      isAsync = true;
      answer.then(undefined, () => {});
    }
    return false;
  };
  const { fits, make, holds } = stepsOf(plan, onDoubt, form);
  return (plain) => {
    if (isAsync) return undefined;
    try {
      if (!fits(plain)) return undefined;
      const instance = make(plain as object);
      return holds(instance) ? (instance as T) : undefined;
    } catch {
      // It will throw again for class-validator, and be reported from there.
      return undefined;
    }
  };
}

const isPromise = (answer: unknown): answer is Promise<unknown> =>
  typeof answer === 'object' && answer !== null && typeof (answer as Partial<Promise<unknown>>).then === 'function';

function stepsOf(plan: Plan, onDoubt: OnDoubt, form: Form | undefined): Steps {
  if (form === 'closures') return closures(plan, onDoubt);
  try {
    return generate(plan, onDoubt);
  } catch (error) {
    if (form === undefined && error instanceof EvalError) return closures(plan, onDoubt);
    throw error;
  }
}
