import { closest, distance } from 'fastest-levenshtein';
import { toMs } from './durations.js';
import { InvalidOptionError } from './errors.js';

/** Checks one value and gives what it means; throws InvalidOptionError. */
export type Check<V> = (value: never, option: string) => V;
/** A check for each option of `O`, which holds the options as they mean after checking. */
export type Table<O extends object> = { readonly [K in keyof O]-?: Check<Exclude<O[K], undefined>> };

/**
 * The options of one call, each checked by its entry in `table`; options that are absent or `undefined` stay absent.
 *
 * @param where names the call in errors, such as `new HotQueue("emails")`
 * @throws InvalidOptionError for a name that is not in the table (with the nearest that is), or a value it refuses
 */
export function checkOptions<O extends object>(where: string, given: unknown, table: Table<O>): Partial<O> {
  if (given === undefined) return {};
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new InvalidOptionError('options', `${where}: options must be an object such as { ${Object.keys(table)[0]}: … }, not ${describe(given)}`);
  }
  const checked: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(given)) {
    const check = Object.hasOwn(table, name) ? table[name as keyof O] : undefined;
    if (!check) throw new InvalidOptionError(name, `${where}: ${unknownOption(name, Object.keys(table))}`);
    if (value !== undefined) checked[name] = check(value as never, name);
  }
  return checked as Partial<O>;
}

function unknownOption(name: string, known: readonly string[]): string {
  const nearest = closest(name, known);
  const meant = distance(name.toLowerCase(), nearest.toLowerCase()) <= Math.max(2, name.length / 3);
  return `there is no option "${name}"; ${meant ? `did you mean "${nearest}"?` : `there are ${known.join(', ')}`}`;
}

/** How a refused value is named in a sentence. */
export function describe(value: unknown): string {
  if (typeof value === 'function') return `a function`;
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' && value !== null ? 'an object' : (JSON.stringify(value) ?? String(value));
}

function refuse(option: string, value: unknown, wanted: string): never {
  throw new InvalidOptionError(option, `${option}: ${describe(value)} will not do; give ${wanted}`);
}

/** The entries that tables are made of. */
export const a = {
  duration: (value: never, option: string): number => toMs(value, option),
  durationFrom:
    (leastMs: number) =>
    (value: never, option: string): number => {
      const ms = toMs(value, option);
      return ms >= leastMs ? ms : refuse(option, value, `at least ${leastMs} ms`);
    },
  text: (value: unknown, option: string): string => (typeof value === 'string' ? value : refuse(option, value, 'a string')),
  flag: (value: unknown, option: string): boolean => (typeof value === 'boolean' ? value : refuse(option, value, 'true or false')),
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
  callback: <F extends (...args: never[]) => unknown>(value: F, option: string): F => (typeof value === 'function' ? value : refuse(option, value, 'a function')),
  signal: (value: unknown, option: string): AbortSignal =>
    value instanceof AbortSignal ? value : refuse(option, value, 'an AbortSignal'),
  /** Checked elsewhere, by whoever knows what it may be. */
  given: <V>(value: V, _option: string): V => value,
};
