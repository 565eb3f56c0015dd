import { InvalidOptionError } from '../errors.js';
import { a, type Check, type OptionSchema } from './schema.js';
import { shown } from '../shown.js';

/**
 * Options of a queue for the validation of payloads of a class.
 *
 * @example
 * const users = new HotQueue('users', { payload: CreateUser, groups: ['create'], whitelist: 'strip' });
 */
export interface ValidationOptions {
  /**
   * How payloads of a class are validated. `'compiled'`: generated code accepts payloads that are certainly valid, and
   * class-validator checks all others. `'class-validator'`: class-validator checks every payload. Both accept the same
   * payloads. Default: `'compiled'`.
   */
  validation?: 'compiled' | 'class-validator';
  /**
   * Keys of a message that have no rule in the class. `'refuse'`: the message is invalid. `'strip'`: `put` and workers leave
   * them out. Default: `'refuse'`.
   */
  whitelist?: 'refuse' | 'strip';
  /**
   * Groups of class-validator and class-transformer. Rules, `@Expose` and `@Transform` of other groups do not apply. As in
   * class-validator, rules without a group do not apply either, unless they have `always: true`. Default: none, and then all
   * rules apply.
   */
  groups?: readonly string[];
  /** True: an error reports only the first broken rule of each property. Default: false. */
  stopAtFirstError?: boolean;
  /** True: violations have an empty message, unless the rule has a message of its own. Default: false. */
  dismissDefaultMessages?: boolean;
}

type Supported = Required<ValidationOptions>;
type Refused = Record<keyof typeof refused, never>;

/** Options of class-validator and class-transformer that a queue does not have, and what to do instead. */
const refused = {
  enableImplicitConversion:
    'it would accept "false" as true, and {} as a string. Convert single properties: @Type(() => Number), or @Transform()',
  forbidNonWhitelisted: 'unknown keys are always refused. Remove it',
  forbidUnknownValues: 'objects of unknown classes are always refused. Remove it',
  skipMissingProperties:
    'a handler would get a payload without them. Put @IsOptional() on the properties that may be absent',
  skipNullProperties: 'a handler would get null. Put @IsOptional() on the properties that may be null',
  skipUndefinedProperties:
    'a handler would get a payload without them. Put @IsOptional() on the properties that may be absent',
  strictGroups: 'set groups, and put groups on the rules',
  always: 'put always: true on the rules that apply in all groups',
  excludeExtraneousValues: "use whitelist: 'strip', or put @Exclude() on the class and @Expose() on its properties",
  exposeDefaultValues: 'default values are always kept, and stored with the message. Remove it',
  transform: 'payloads are always transformed to instances. Remove it',
} as const;

const refuse =
  (reason: string): Check<never> =>
  (_, option) => {
    throw new InvalidOptionError(option, `option ${option} is not supported: ${reason}`);
  };

export const validationSchema = {
  validation: a.oneOf('compiled', 'class-validator'),
  whitelist: aWhitelist,
  groups: someGroups,
  stopAtFirstError: a.flag,
  dismissDefaultMessages: a.flag,
  ...(Object.fromEntries(
    Object.entries(refused).map(([name, reason]) => [name, refuse(reason)]),
  ) as OptionSchema<Refused>),
} satisfies OptionSchema<Supported & Refused>;

/** Names of the options that are always refused. */
export const refusedValidationOptions: readonly string[] = Object.keys(refused);

function aWhitelist(value: unknown, option: string): 'refuse' | 'strip' {
  if (value === true)
    throw new InvalidOptionError(
      option,
      `invalid ${option} true: expected 'strip', which leaves unknown keys out, or 'refuse', the default`,
    );
  return a.oneOf('refuse', 'strip')(value, option);
}

function someGroups(value: unknown, option: string): readonly string[] {
  if (Array.isArray(value) && value.length > 0 && value.every((group) => typeof group === 'string' && group !== ''))
    return value as string[];
  throw new InvalidOptionError(
    option,
    `invalid ${option} ${shown(value)}: expected an array of names, such as ['create']`,
  );
}
