import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

/** The decorator options of a project's `tsconfig.json`, including those of the files that it extends. */
export interface TsSettings {
  readonly file: string;
  readonly experimentalDecorators?: boolean;
  readonly emitDecoratorMetadata?: boolean;
}

type Options = Partial<Omit<TsSettings, 'file'>>;

/**
 * The settings for files in `dir`; `undefined` if there is no `tsconfig.json`.
 *
 * @throws SyntaxError for a file that is not valid JSON with comments
 */
export function tsSettings(dir: string): TsSettings | undefined {
  const file = findUp('tsconfig.json', dir);
  return file === undefined ? undefined : { ...optionsIn(file, []), file };
}

/** The nearest file of this name, in `dir` or in a folder above it. */
export function findUp(name: string, dir: string): string | undefined {
  const file = path.join(dir, name);
  if (existsSync(file)) return file;
  const parent = path.dirname(dir);
  return parent === dir ? undefined : findUp(name, parent);
}

function optionsIn(file: string, from: readonly string[]): Options {
  if (from.includes(file)) return {};
  const { extends: bases = [], compilerOptions = {} } = jsonc(readFileSync(file, 'utf8')) as {
    extends?: string | string[];
    compilerOptions?: Options;
  };
  const inherited = [bases].flat().map((base) => {
    const found = resolveBase(base, file);
    return found === undefined ? {} : optionsIn(found, [...from, file]);
  });
  const { experimentalDecorators, emitDecoratorMetadata } = compilerOptions;
  const own = {
    ...(experimentalDecorators !== undefined && { experimentalDecorators }),
    ...(emitDecoratorMetadata !== undefined && { emitDecoratorMetadata }),
  };
  return Object.assign({}, ...inherited, own) as Options;
}

/** Path of a file in `extends`: a relative path, or a file in a package; `undefined` if the package is not installed. */
function resolveBase(base: string, file: string): string | undefined {
  const names = base.endsWith('.json') ? [base] : [`${base}.json`, base, `${base}/tsconfig.json`];
  if (/^\.{0,2}\//.test(base))
    return names
      .map((name) => path.resolve(path.dirname(file), name))
      .find((name) => existsSync(name) && name.endsWith('.json'));
  const require = createRequire(file);
  for (const name of names) {
    try {
      return require.resolve(name);
    } catch {
      // try the next form of the name
    }
  }
  return undefined;
}

/** Parses JSON with comments and trailing commas, as TypeScript does. */
export function jsonc(text: string): unknown {
  const plain = text
    .replace(/^\ufeff/, '')
    .replace(/("(?:\\.|[^"\\])*")|\/\/[^\n]*|\/\*[\s\S]*?\*\//g, (_, string: string | undefined) => string ?? ' ');
  return JSON.parse(
    plain.replace(/("(?:\\.|[^"\\])*")|,(?=\s*[}\]])/g, (_, string: string | undefined) => string ?? ''),
  );
}
