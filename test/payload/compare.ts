import { expect } from 'vitest';
import { compile, type Accept } from '../../src/payload/compiled/compile.js';
import { payloadType, type PayloadClass, type PayloadSettings } from '../../src/payload/payload-type.js';

/** The compiled validator of a class. Fails if the class cannot be compiled. */
export function accepting<T extends object>(cls: PayloadClass<T>): Accept<T> {
  const { accept, declined } = compile(cls);
  expect(declined).toBeUndefined();
  return accept!;
}

/** Decodes a text with class-validator; `undefined` if it refuses the text or validates asynchronously. */
export function ordinary<T extends object>(
  cls: PayloadClass<T>,
  settings: PayloadSettings = {},
): (text: string) => T | undefined {
  const type = payloadType<T>(cls, { ...settings, validation: 'class-validator' });
  return (text) => {
    try {
      const decoded = type.decode(text);
      if (!(decoded instanceof Promise)) return decoded;
      decoded.catch(() => {});
    } catch {
      // Refused.
    }
    return undefined;
  };
}

/** Whether the compiled validator accepts a text. Fails if class-validator disagrees with an accepted payload. */
export function accepted<T extends object>(cls: PayloadClass<T>, text: string): boolean {
  const answer = accepting(cls)(JSON.parse(text));
  if (answer === undefined) return false;
  expect(difference(answer, ordinary(cls)(text))).toBeUndefined();
  return true;
}

/** Path of the first difference between two values, `undefined` if there is none. Compares prototypes, own keys with their order, -0 and dates. */
export function difference(a: unknown, b: unknown, path = '$'): string | undefined {
  if (Object.is(a, b)) return undefined;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return path;
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return `${path}: prototype`;
  if (a instanceof Date && !Object.is(a.getTime(), (b as Date).getTime())) return path;
  if (a instanceof Set || a instanceof Map) return difference([...a], [...(b as Set<unknown>)], path);
  const keys = Reflect.ownKeys(a);
  const others = Reflect.ownKeys(b);
  if (keys.length !== others.length || keys.some((key, i) => key !== others[i]))
    return `${path}: ${keys.map(String).join()} and ${others.map(String).join()}`;
  for (const key of keys) {
    const found = difference(
      (a as Record<PropertyKey, unknown>)[key],
      (b as Record<PropertyKey, unknown>)[key],
      `${path}.${String(key)}`,
    );
    if (found !== undefined) return found;
  }
  return undefined;
}
