import { hasRules } from '../class-rules.js';
import type { AnyClass } from '../transforms.js';
import type { NotCompiled, PayloadClass } from '../types.js';
import { validationOf, type Validation } from '../validation.js';
import { generate } from './codegen.js';
import { Outside } from './outside.js';
import { planOf, reasonOf } from './plan.js';
import type { OnDoubt, Steps } from './steps.js';

/**
 * Returns the instance for plain data, or `undefined` in doubt. Then class-validator must decide. It never refuses
 * data. `@Transform` functions may change the data.
 */
export type Accept<T> = (plain: unknown) => T | undefined;

/** Result of {@link compile}. */
export interface Compiled<T> {
  /** `undefined`: class-validator must check all payloads. It becomes so when a rule returns a promise, so read it for each payload. */
  readonly accept: Accept<T> | undefined;
  /**
   * Makes the instance without checking its rules, for a class whose rules only class-validator can check. `undefined` in
   * doubt. Then class-transformer must make it.
   */
  readonly instantiate: Accept<T>;
  /** Why the class itself is not compiled, or only in part. */
  readonly declined: string | undefined;
  /** The classes that are not compiled, or only in part: the class itself, or classes of its properties. */
  readonly notCompiled: readonly NotCompiled[];
  /** Whether `accept` may change the data. Then read it again before class-validator decides. */
  readonly mayChangeData: boolean;
}

/**
 * Functions that accept valid payloads of a class. They take a fraction of the time of class-transformer and
 * class-validator, and their time does not grow with the number of classes in the process.
 *
 * They return the same instances as class-transformer and class-validator would, for a subset of the payloads that these
 * accept. They leave every unknown feature of the class, and every doubtful payload, to them. Only they refuse a payload.
 */
export function compile<T extends object>(cls: PayloadClass<T>, validation: Validation = validationOf()): Compiled<T> {
  try {
    return compiled<T>(cls, validation);
  } catch (error) {
    // Where code generation is forbidden, EvalError: class-validator validates all payloads.
    const declined = reasonOf(error);
    return {
      accept: undefined,
      instantiate: () => undefined,
      declined,
      notCompiled: [{ name: cls.name, reason: declined }],
      mayChangeData: false,
    };
  }
}

function compiled<T extends object>(cls: PayloadClass<T>, validation: Validation): Compiled<T> {
  const onDoubt: OnDoubt = (answer) => {
    if (isPromise(answer)) {
      // From now on, leave all payloads to class-validator. Otherwise this rule, and its side effects, would run twice for
      // each payload.
      result.accept = undefined;
      answer.then(undefined, () => {});
    }
    return false;
  };
  const outside: Outside = new Outside(
    validation,
    onDoubt,
    holdsLater((other) => planned(other, outside).holds),
  );
  const plan = planOf(cls, outside, validation.groups);
  const { fits, make, accept } = generate(plan, outside);
  const { makingDeclined, checkingDeclined } = plan;
  const { declined, mayChangeData } = outside;
  const result: { -readonly [K in keyof Compiled<T>]: Compiled<T>[K] } = {
    accept: checkingDeclined === undefined ? (accept as Accept<T>) : undefined,
    instantiate: (plain) => {
      if (makingDeclined !== undefined || mayChangeData || result.accept !== undefined) return undefined;
      try {
        return fits(plain) ? (make(plain as object) as T | undefined) : undefined;
      } catch {
        return undefined; // the same error will come from class-transformer, which reports it
      }
    },
    declined: makingDeclined ?? checkingDeclined,
    notCompiled: declined,
    mayChangeData,
  };
  return result;
}

const planned = (cls: AnyClass, outside: Outside): Steps =>
  generate(planOf(cls, outside, outside.validation.groups), outside);

function holdsLater(compileHolds: (cls: AnyClass) => Steps['holds']): (cls: AnyClass) => Steps['holds'] {
  const known = new Map<AnyClass, Steps['holds']>();
  return (cls) => {
    let found = known.get(cls);
    // class-validator refuses an object of a class without rules.
    if (!found) known.set(cls, (found = hasRules(cls) ? compileHolds(cls) : () => false));
    return found;
  };
}

const isPromise = (answer: unknown): answer is Promise<unknown> =>
  typeof answer === 'object' && answer !== null && typeof (answer as Partial<Promise<unknown>>).then === 'function';
