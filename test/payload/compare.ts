import { expect } from 'vitest';
import { compile, type Accept, type Form } from '../../src/payload/compiled/compile.js';
import { payloadType, type PayloadClass } from '../../src/payload/payload-type.js';

export const forms: Form[] = ['generated', 'closures'];

/** The compiled validator of a class. Fails if the class cannot be compiled. */
export function accepting<T extends object>(cls: PayloadClass<T>, form?: Form): Accept<T> {
  const { accept, declined } = compile(cls, form);
  expect(declined).toBeUndefined();
  return accept!;
}

/** Decodes a text with class-validator; `undefined` if it refuses the text or validates asynchronously. */
export function ordinary<T extends object>(cls: PayloadClass<T>): (text: string) => T | undefined {
  const type = payloadType<T>(cls, { validation: 'class-validator' });
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

/** Whether both forms accept a text. Fails if the forms disagree, or if class-validator disagrees with an accepted payload. */
export function accepted<T extends object>(cls: PayloadClass<T>, text: string): boolean {
  const right = ordinary(cls)(text);
  const answers = forms.map((form) => accepting(cls, form)(JSON.parse(text)));
  for (const answer of answers) if (answer !== undefined) expect(difference(answer, right)).toBeUndefined();
  expect(new Set(answers.map((answer) => answer === undefined)).size).toBe(1);
  return answers[0] !== undefined;
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
