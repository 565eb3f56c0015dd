import type * as oxcTransform from 'oxc-transform';
import { IncompleteError } from './script.js';

/** TypeScript in, JavaScript out. @throws IncompleteError when the line goes on; SyntaxError */
export type Strip = (source: string) => string;

type Oxc = typeof oxcTransform;

/** Loads the compiler, which is optional: there are machines for which it has no binary. `undefined` where it is not. */
export async function typescriptStripper(): Promise<Strip | undefined> {
  try {
    const oxc = await import('oxc-transform');
    Object.assign(globalThis, { babelHelpers: decoratorHelpers });
    return (source) => strip(oxc, source);
  } catch {
    return undefined;
  }
}

function strip({ transformSync }: Oxc, source: string): string {
  const { code, errors } = transformSync('prompt.ts', source, {
    lang: 'ts',
    sourceType: 'module',
    target: 'es2022',
    // The rest, as tsconfig.json says for decorated classes; imports are kept although this line does not use them yet.
    typescript: { onlyRemoveTypeImports: true, removeClassFieldsWithoutInitializer: true },
    assumptions: { setPublicClassFields: true },
    decorator: { legacy: true, emitDecoratorMetadata: true },
    helpers: { mode: 'External' as never },
  });
  const [error] = errors;
  if (!error) return code === 'export {};\n' ? '' : code;
  // What is not finished may look wrong in other ways before its end is missed.
  throw errors.some((one) => goesOn(one, source)) ? new IncompleteError(error.message) : new SyntaxError(error.message);
}

/** The parser stopped where the text stops, or inside what has an end of its own. */
function goesOn({ message, labels }: { message: string; labels: readonly { start: number; end: number }[] }, source: string): boolean {
  const [label] = labels;
  if (/^Unterminated string/.test(message)) return label !== undefined && source[label.start] === '`';
  if (/Unterminated (template|multiline|multi-line|comment)/i.test(message) || /\bEOF\b/.test(message)) return true;
  return label !== undefined && label.start >= source.trimEnd().length;
}

type Decorator = (...args: unknown[]) => unknown;

/** What compiled decorators call; the same as TypeScript's `__decorate`, `__metadata` and `__param`. */
const decoratorHelpers = {
  decorate(decorators: readonly Decorator[], target: object, key?: PropertyKey, descriptor?: PropertyDescriptor | null): unknown {
    const isClass = key === undefined;
    let current: unknown = isClass ? target : descriptor === null ? Object.getOwnPropertyDescriptor(target, key) : descriptor;
    for (const decorate of [...decorators].reverse()) current = (isClass ? decorate(current) : decorate(target, key, current)) ?? current;
    if (!isClass && current) Object.defineProperty(target, key, current as PropertyDescriptor);
    return current;
  },
  decorateMetadata: (key: unknown, value: unknown): unknown => (Reflect as unknown as { metadata(key: unknown, value: unknown): unknown }).metadata(key, value),
  decorateParam:
    (index: number, decorate: Decorator): Decorator =>
    (target, key) =>
      decorate(target, key, index),
};
