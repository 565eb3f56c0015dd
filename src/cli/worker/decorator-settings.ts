import { fileURLToPath } from 'node:url';
import { nearby } from './nearby.js';

const settings = '"experimentalDecorators": true and "emitDecoratorMetadata": true';

/**
 * What to do if the TypeScript runner refused a file with decorators. `@oxc-node/core` reads the settings of the nearest
 * tsconfig.json that includes the file. It does not say which one that is, or that there is none.
 *
 * @returns `undefined` for every other error
 */
export async function decoratorAdvice(error: unknown): Promise<string | undefined> {
  const [, url] = /Failed to transform (file:.+?): decorators require/.exec(String(error)) ?? [];
  if (url === undefined) return undefined;
  const file = fileURLToPath(url);
  return `${nearby(file)} has decorators, but ${await missingFor(file)}`;
}

async function missingFor(file: string): Promise<string> {
  const { createFilesMatcher, getTsconfig } = await import('get-tsconfig');
  const found = getTsconfig(file);
  if (!found) return `there is no tsconfig.json for it: add one with ${settings}`;
  return createFilesMatcher(found)(file)
    ? `${nearby(found.path)} does not set "experimentalDecorators": set ${settings}`
    : `${nearby(found.path)} does not include it: add it to "include" there, and set ${settings}`;
}
