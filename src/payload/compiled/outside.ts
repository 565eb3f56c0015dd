import type { ClassTransformOptions } from 'class-transformer';
import { classTransformer } from '../class-libraries.js';
import { classSchemaOf } from '../class-schema.js';
import { optionsSeenBy, type AnyClass } from '../transforms.js';
import { brokenRules } from '../validate.js';
import type { Validation } from '../validation.js';
import { shapeViolations } from '../whitelist.js';
import { isPlainObject } from './converters.js';
import { isExactly, type OnDoubt, type Steps } from './steps.js';

/** A class that is not compiled, and why. */
export interface NotCompiled {
  readonly name: string;
  readonly reason: string;
}

/** A class that class-transformer and class-validator handle, inside a class that is compiled. */
export interface OutsidePlan {
  readonly cls: new () => object;
  readonly outside: Steps;
}

/** The nested classes that are not compiled. class-transformer and class-validator handle their objects. */
export class Outside {
  readonly declined: NotCompiled[] = [];
  /** Whether `@Transform` functions run, which may change the data that they get. */
  mayChangeData = false;
  /** Options for class-transformer. */
  readonly toClass: ClassTransformOptions;
  /** The options that `@Transform` functions get. */
  readonly seenOptions: ClassTransformOptions;
  readonly #plans = new Map<AnyClass, OutsidePlan>();

  constructor(
    readonly validation: Validation,
    readonly onDoubt: OnDoubt,
  ) {
    this.toClass = validation.toClass;
    this.seenOptions = optionsSeenBy(validation.toClass);
  }

  planOf(cls: AnyClass): OutsidePlan | undefined {
    return this.#plans.get(cls);
  }

  decline(cls: AnyClass, reason: string): void {
    this.declined.push({ name: cls.name, reason });
    this.mayChangeData = true;
    this.#plans.set(cls, outsidePlan(cls as new () => object, this.validation, this.onDoubt));
  }
}

function outsidePlan(cls: new () => object, validation: Validation, onDoubt: OnDoubt): OutsidePlan {
  const { groups, stripsUnknownKeys, toClass, rules } = validation;
  const schema = classSchemaOf(cls, groups);
  return {
    cls,
    outside: {
      fits: (plain) => isPlainObject(plain) && shapeViolations(schema, plain, stripsUnknownKeys).length === 0,
      make: (plain) => classTransformer().plainToInstance(cls, plain, toClass),
      holds: (instance) => {
        if (!isExactly(instance, cls)) return false;
        const broken = brokenRules(instance, rules);
        return broken instanceof Promise ? onDoubt(broken) : broken.length === 0;
      },
    },
  };
}
