import type { ClassTransformOptions } from 'class-transformer';
import { classTransformer } from '../class-libraries.js';
import { hasRules } from '../class-rules.js';
import { classSchemaOf } from '../class-schema.js';
import { optionsSeenBy, type AnyClass } from '../transforms.js';
import { brokenRules } from '../validate.js';
import type { NotCompiled } from '../types.js';
import type { Validation } from '../validation.js';
import { shapeViolations } from '../whitelist.js';
import { isPlainObject } from './converters.js';
import { isExactly, type OnDoubt, type Steps } from './steps.js';

/** What compiled code leaves to class-transformer and class-validator, with the options of the queue. */
export class Outside {
  readonly declined: NotCompiled[] = [];
  /** Whether the data may change while objects are made, for example by `@Transform` functions. */
  mayChangeData = false;
  readonly toClass: ClassTransformOptions;
  /** The options that `@Transform` functions get. */
  readonly seenOptions: ClassTransformOptions;

  /** @param holdsOf the compiled check of a class */
  constructor(
    readonly validation: Validation,
    readonly onDoubt: OnDoubt,
    private readonly holdsOf: (cls: AnyClass) => Steps['holds'],
  ) {
    this.toClass = validation.toClass;
    this.seenOptions = optionsSeenBy(validation.toClass);
  }

  /** The steps for the objects of a class. */
  stepsOf(cls: new () => object): Omit<Steps, 'accept'> {
    const { groups, stripsUnknownKeys, toClass } = this.validation;
    const schema = hasRules(cls) ? classSchemaOf(cls, groups) : undefined;
    return {
      fits: (plain) =>
        schema !== undefined && isPlainObject(plain) && shapeViolations(schema, plain, stripsUnknownKeys).length === 0,
      make: (plain) => classTransformer().plainToInstance(cls, plain, toClass),
      holds: (instance) => isExactly(instance, cls) && this.#isValid(instance),
    };
  }

  /** Whether an object, or each object of an array, is valid by the rules of its own class. */
  readonly holdsUnknown = (value: unknown): boolean => {
    if (Array.isArray(value)) return value.every(this.holdsUnknown);
    if (typeof value !== 'object' || value === null || value instanceof Set || value instanceof Map) return false;
    const cls = value.constructor as unknown as AnyClass;
    return this.holdsOf(cls)(value);
  };

  #isValid(instance: object): boolean {
    const broken = brokenRules(instance, this.validation.rules);
    return broken instanceof Promise ? this.onDoubt(broken) : broken.length === 0;
  }
}
