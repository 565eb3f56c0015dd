import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

/** Of a project's `tsconfig.json`, what decides about decorators; what it extends included. */
export interface TsSettings {
  readonly file: string;
  readonly experimentalDecorators?: boolean;
  readonly emitDecoratorMetadata?: boolean;
}

type Options = Partial<Omit<TsSettings, 'file'>>;

/**
 * The settings that hold in `dir`; `undefined` where there is no `tsconfig.json`.
 *
 * @throws SyntaxError for a file that nobody can read
 */
export function tsSettings(dir: string): TsSettings | undefined {
  const file = findUp('tsconfig.json', dir);
  return file === undefined ? undefined : { ...optionsIn(file, []), file };
}

/** The nearest file of that name, in `dir` or above it. */
export function findUp(name: string, dir: string): string | undefined {
  const file = path.join(dir, name);
  if (existsSync(file)) return file;
  const parent = path.dirname(dir);
  return parent === dir ? undefined : findUp(name, parent);
}

function optionsIn(file: string, from: readonly string[]): Options {
  if (from.includes(file)) return {};
  const { extends: bases = [], compilerOptions = {} } = jsonc(readFileSync(file, 'utf8')) as { extends?: string | string[]; compilerOptions?: Options };
  const inherited = [bases].flat().map((base) => {
    const found = resolveBase(base, file);
    return found === undefined ? {} : optionsIn(found, [...from, file]);
  });
  const { experimentalDecorators, emitDecoratorMetadata } = compilerOptions;
  const own = { ...(experimentalDecorators !== undefined && { experimentalDecorators }), ...(emitDecoratorMetadata !== undefined && { emitDecoratorMetadata }) };
  return Object.assign({}, ...inherited, own) as Options;
}

/** A file beside it, or one in a package; `undefined` when that is not installed. */
function resolveBase(base: string, file: string): string | undefined {
  const names = base.endsWith('.json') ? [base] : [`${base}.json`, base, `${base}/tsconfig.json`];
  if (/^\.{0,2}\//.test(base)) return names.map((name) => path.resolve(path.dirname(file), name)).find((name) => existsSync(name) && name.endsWith('.json'));
  const require = createRequire(file);
  for (const name of names) {
    try {
      return require.resolve(name);
    } catch {
      // the next form of the name
    }
  }
  return undefined;
}

/** JSON with comments and commas at the end, as TypeScript reads it. */
export function jsonc(text: string): unknown {
  const plain = text.replace(/^\ufeff/, '').replace(/("(?:\\.|[^"\\])*")|\/\/[^\n]*|\/\*[\s\S]*?\*\//g, (_, string: string | undefined) => string ?? ' ');
  return JSON.parse(plain.replace(/("(?:\\.|[^"\\])*")|,(?=\s*[}\]])/g, (_, string: string | undefined) => string ?? ''));
}
