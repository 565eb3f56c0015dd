import { classValidator } from '../class-libraries.js';
import { isEnumValue } from '../enum-values.js';
import type { BuiltInName } from './built-in.js';

/**
 * Writes the test of a built-in rule as source text. If the test is true, the rule accepts the value. If it is false, the
 * rule itself must decide.
 *
 * @param v source text of the value
 * @param constraints of the rule
 * @param constant returns the source text for a value
 * @returns `undefined` if there is no test for these constraints
 */
type Shortcut = (
  v: string,
  constraints: readonly unknown[],
  constant: (value: unknown) => string,
) => string | undefined;

/** The test of a built-in rule. The parameters are those of {@link Shortcut}. */
export const shortcutOf = (name: BuiltInName, ...given: Parameters<Shortcut>): string | undefined =>
  shortcuts[name](...given);

const shortcuts: Record<BuiltInName, Shortcut> = {
  isArray: (v) => `isArray(${v})`,
  isBoolean: (v) => `typeof ${v} === 'boolean'`,
  isEmail: (v, [options], constant) =>
    options === undefined && (emailsAgree ??= agreeAboutEmails()) ? `${constant(isPlainEmail)}(${v})` : undefined,
  isEnum: (v, [entity], constant) => `${constant(isEnumValue)}(${constant(entity)}, ${v})`,
  isIn: (v, [values], constant) => (isOrdinary(values) ? `${constant(hasItem)}(${constant(values)}, ${v})` : undefined),
  isLength: (v, [min, max], constant) =>
    typeof min === 'number' && (typeof max === 'number' || max === undefined)
      ? `typeof ${v} === 'string' && ${v}.length >= ${constant(min)} && ${max === undefined ? '' : `${v}.length <= ${constant(max)} && `}${constant(isAscii)}(${v})`
      : undefined,
  // An infinite or NaN value minus itself is NaN. The options are read for each value, as class-validator does.
  isNumber: (v, [options], constant) =>
    typeof options === 'object' && options !== null
      ? `typeof ${v} === 'number' && ${v} - ${v} === 0 && ${constant(options)}.maxDecimalPlaces === undefined`
      : undefined,
  isString: (v) => `typeof ${v} === 'string'`,
  max: (v, [max], constant) =>
    typeof max === 'number' ? `typeof ${v} === 'number' && ${v} <= ${constant(max)}` : undefined,
  // validator.js counts some pairs of UTF-16 units as one character, so a text never has more characters than units.
  maxLength: (v, [max], constant) =>
    typeof max === 'number' ? `typeof ${v} === 'string' && ${v}.length <= ${constant(max)}` : undefined,
  min: (v, [min], constant) =>
    typeof min === 'number' ? `typeof ${v} === 'number' && ${v} >= ${constant(min)}` : undefined,
  minLength: (v, [min], constant) =>
    typeof min === 'number'
      ? `typeof ${v} === 'string' && ${v}.length >= ${constant(min)} && ${constant(isAscii)}(${v})`
      : undefined,
};

/** Whether a text has only printable ASCII characters. They count as one character each. */
const isAscii = (text: string): boolean => !/[^ -~]/.test(text);

/** Whether an array without a method of its own; `some` calls the ordinary method. */
const isOrdinary = (values: unknown): values is unknown[] =>
  Array.isArray(values) && Object.getPrototypeOf(values) === Array.prototype && !Object.hasOwn(values, 'some');

function hasItem(values: readonly unknown[], value: unknown): boolean {
  // A hole reads as undefined, but class-validator skips it.
  if (value === undefined) return false;
  for (let i = 0; i < values.length; i++) if (values[i] === value) return true;
  return false;
}

const label = '[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?';
const plainEmail = new RegExp(`^[\\w+-]+(?:\\.[\\w+-]+)*@(?:${label}\\.)+[A-Za-z]{2,63}$`);

/** Whether a value is certainly an e-mail address: ASCII, without quotes, and within the limits of all lengths. */
const isPlainEmail = (value: unknown): boolean =>
  typeof value === 'string' && value.length <= 254 && value.indexOf('@') <= 64 && plainEmail.test(value);

let emailsAgree: boolean | undefined;

// validator.js changes its rule for addresses from time to time. These addresses are at the limits of `isPlainEmail`.
function agreeAboutEmails(): boolean {
  const long = `${'x'.repeat(63)}.`;
  const limits = [
    'a@b.co',
    '+@b.co',
    '-@b.co',
    '_@b.co',
    '-a.+b._c.0@0-0.1.a--b.ORG',
    `${'a'.repeat(64)}@${long}${long}${'x'.repeat(57)}.co`,
    `a@${long}${'y'.repeat(63)}`,
  ];
  return limits.every((address) => isPlainEmail(address) && classValidator().isEmail(address));
}
