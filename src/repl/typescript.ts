import type * as oxcTransform from 'oxc-transform';
import { IncompleteError } from './script.js';

/** Converts TypeScript to JavaScript. @throws IncompleteError if the input continues on the next line; SyntaxError */
export type Strip = (source: string) => string;

type Oxc = typeof oxcTransform;

/** Loads the compiler. It is optional, because it has no binary for some machines: then the result is `undefined`. */
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
    // As tsconfig.json for decorated classes. Unused imports stay: a later line may use them.
    typescript: { onlyRemoveTypeImports: true, removeClassFieldsWithoutInitializer: true },
    assumptions: { setPublicClassFields: true },
    decorator: { legacy: true, emitDecoratorMetadata: true },
    helpers: { mode: 'External' as never },
  });
  const [error] = errors;
  if (!error) return code === 'export {};\n' ? '' : code;
  // An unfinished line can have other errors before the missing end is noticed.
  throw errors.some((one) => goesOn(one, source)) ? new IncompleteError(error.message) : new SyntaxError(error.message);
}

/** True if the parser stopped at the end of the text, or inside a comment or a template that was not closed. */
function goesOn(
  { message, labels }: { message: string; labels: readonly { start: number; end: number }[] },
  source: string,
): boolean {
  const [label] = labels;
  if (/^Unterminated string/.test(message)) return label !== undefined && source[label.start] === '`';
  if (/Unterminated (template|multiline|multi-line|comment)/i.test(message) || /\bEOF\b/.test(message)) return true;
  return label !== undefined && label.start >= source.trimEnd().length;
}

type Decorator = (...args: unknown[]) => unknown;

/** Functions that compiled decorators call. They do the same as TypeScript's `__decorate`, `__metadata` and `__param`. */
const decoratorHelpers = {
  decorate(
    decorators: readonly Decorator[],
    target: object,
    key?: PropertyKey,
    descriptor?: PropertyDescriptor | null,
  ): unknown {
    const isClass = key === undefined;
    let current: unknown = isClass
      ? target
      : descriptor === null
        ? Object.getOwnPropertyDescriptor(target, key)
        : descriptor;
    for (const decorate of [...decorators].reverse())
      current = (isClass ? decorate(current) : decorate(target, key, current)) ?? current;
    if (!isClass && current) Object.defineProperty(target, key, current as PropertyDescriptor);
    return current;
  },
  decorateMetadata: (key: unknown, value: unknown): unknown =>
    (Reflect as unknown as { metadata(key: unknown, value: unknown): unknown }).metadata(key, value),
  decorateParam:
    (index: number, decorate: Decorator): Decorator =>
    (target, key) =>
      decorate(target, key, index),
};
