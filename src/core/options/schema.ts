import { closest, distance } from 'fastest-levenshtein';
import { toMs } from '../duration.js';
import { InvalidOptionError } from '../errors.js';
import { describe, shown } from '../shown.js';

/** Validates one value and returns it in its internal form. Throws InvalidOptionError. */
export type Check<V> = (value: never, option: string) => V;
/** A check for each option. `O` has the options in their internal form. */
export type OptionSchema<O extends object> = { readonly [K in keyof O]-?: Check<Exclude<O[K], undefined>> };

/**
 * The options of one call in their internal form. Options that are absent or `undefined` stay absent.
 *
 * @param where the call, for errors, such as `new HotQueue("emails")`
 * @param table a check for each option
 * @param unlisted options of the table that errors do not offer, because their check refuses every value
 * @throws InvalidOptionError for an unknown option, with the nearest known one, or for an invalid value
 */
export function checkOptions<O extends object>(
  where: string,
  given: unknown,
  table: OptionSchema<O>,
  unlisted: readonly string[] = [],
): Partial<O> {
  if (given === undefined) return {};
  if (typeof given !== 'object' || given === null || describe(given) === 'an array') {
    throw new InvalidOptionError(
      'options',
      `${where}: invalid options ${shown(given)}: expected an object, such as { ${Object.keys(table)[0]}: … }`,
    );
  }
  const checked: Record<string, unknown> = {};
  for (const [name, value] of entriesOf(where, given)) {
    const check = Object.hasOwn(table, name) ? table[name as keyof O] : undefined;
    if (!check)
      throw new InvalidOptionError(
        name,
        `${where}: ${unknownOption(
          name,
          Object.keys(table).filter((known) => !unlisted.includes(known)),
        )}`,
      );
    if (value !== undefined) checked[name] = check(value as never, name);
  }
  return checked as Partial<O>;
}

/** Getters and proxies may throw. */
function entriesOf(where: string, given: object): [string, unknown][] {
  try {
    return Object.entries(given);
  } catch (cause) {
    throw new InvalidOptionError('options', `${where}: invalid options: they cannot be read, see the cause`, { cause });
  }
}

function unknownOption(name: string, known: readonly string[]): string {
  const nearest = closest(name, known);
  const meant = distance(name.toLowerCase(), nearest.toLowerCase()) <= Math.max(2, name.length / 3);
  return `unknown option "${name}": ${meant ? `did you mean "${nearest}"?` : `expected one of ${known.join(', ')}`}`;
}

/** Without the options that are `undefined`: spread over the defaults, they would hide them. */
export function present<O extends object>(options: O): Partial<O> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<O>;
}

function refuse(option: string, value: unknown, wanted: string): never {
  throw new InvalidOptionError(option, `invalid ${option} ${shown(value)}: expected ${wanted}`);
}

/** Checks for the entries of a {@link OptionSchema}. */
export const a = {
  duration: (value: never, option: string): number => toMs(value, option),
  durationFrom:
    (leastMs: number) =>
    (value: never, option: string): number => {
      const ms = toMs(value, option);
      return ms >= leastMs ? ms : refuse(option, value, `at least ${leastMs} ms`);
    },
  text: (value: unknown, option: string): string =>
    typeof value === 'string' ? value : refuse(option, value, 'a string'),
  /** A text that errors must not show. */
  secret: (value: unknown, option: string): string => {
    if (typeof value === 'string') return value;
    throw new InvalidOptionError(
      option,
      `invalid ${option}: expected a string, not ${value === null ? 'null' : `a ${typeof value}`}`,
    );
  },
  flag: (value: unknown, option: string): boolean =>
    typeof value === 'boolean' ? value : refuse(option, value, 'true or false'),
  whole:
    (least: number, most = 1_000_000) =>
    (value: unknown, option: string): number =>
      Number.isInteger(value) && (value as number) >= least && (value as number) <= most
        ? (value as number)
        : refuse(option, value, `a whole number from ${least} to ${most}`),
  oneOf:
    <V extends string>(...words: V[]) =>
    (value: unknown, option: string): V =>
      words.includes(value as V) ? (value as V) : refuse(option, value, words.map((word) => `'${word}'`).join(' or ')),
  callback: <F extends (...args: never[]) => unknown>(value: F, option: string): F =>
    typeof value === 'function' ? value : refuse(option, value, 'a function'),
  signal: (value: unknown, option: string): AbortSignal => {
    if (!(value instanceof AbortSignal)) return refuse(option, value, 'an AbortSignal');
    return value;
  },
  /** Any value: other code checks it. */
  given: <V>(value: V, _option: string): V => value,
};
