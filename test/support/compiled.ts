import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { compileFunction } from 'node:vm';
import { OxcTransformer } from '@oxc-node/core';
import ts from 'typescript';

/** Compilers of users, as far as decorators behave differently with them. */
export type Compiler = 'tsc' | 'tsc, whole program' | 'tsc without metadata' | 'tsc, standard decorators' | 'oxc';

const root = fileURLToPath(new URL('../..', import.meta.url));
const requireHelper = createRequire(import.meta.url);
const oxc = new OxcTransformer(root);

/**
 * Compiles TypeScript with the given compiler, runs it, and returns its exports. Types are not checked, so code with type
 * errors runs too.
 *
 * @param scope variables of the source, by name
 */
export function compiled(
  source: string,
  by: Compiler,
  scope: Record<string, unknown> = {},
): Record<string, new () => object> {
  const exports = {};
  const all = { ...scope, exports, _decorate: helper('decorate'), _decorateMetadata: helper('decorateMetadata') };
  const run = compileFunction(by === 'oxc' ? byOxc(source) : byTsc(source, by), Object.keys(all)) as (
    ...scope: unknown[]
  ) => void;
  run(...Object.values<unknown>(all));
  return exports;
}

function byTsc(source: string, by: Exclude<Compiler, 'oxc'>): string {
  const compilerOptions: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.CommonJS,
    experimentalDecorators: by !== 'tsc, standard decorators',
    emitDecoratorMetadata: by === 'tsc' || by === 'tsc, whole program',
  };
  return by === 'tsc, whole program'
    ? byProgram(source, compilerOptions)
    : ts.transpileModule(source, { compilerOptions }).outputText;
}

/** Compiles a whole program, as `tsc` does for a project. Only then does it know that an imported type is a class. */
function byProgram(source: string, options: ts.CompilerOptions): string {
  const files: Record<string, string> = { '/fixture.ts': source, '/postcard.ts': 'export class Postcard { path }' };
  const written: Record<string, string> = {};
  const host: ts.CompilerHost = {
    getSourceFile: (name, target) => (name in files ? ts.createSourceFile(name, files[name]!, target) : undefined),
    writeFile: (name, text) => (written[name] = text),
    fileExists: (name) => name in files,
    readFile: (name) => files[name],
    getDefaultLibFileName: () => 'lib.d.ts',
    getCurrentDirectory: () => '/',
    getCanonicalFileName: (name) => name,
    useCaseSensitiveFileNames: () => true,
    getNewLine: () => '\n',
  };
  ts.createProgram(['/fixture.ts'], { ...options, noLib: true }, host).emit();
  return written['/fixture.js']!;
}

function byOxc(source: string): string {
  const names: string[] = [];
  const code = oxc.transform(`${root}test/support/compiled.ts`, source).source();
  const script = code.replace(/^import .*$/gm, '').replace(/^export class (\w+)/gm, (_, name: string) => {
    names.push(name);
    return `class ${name}`;
  });
  return `${script}\nObject.assign(exports, { ${names.join(', ')} });`;
}

function helper(name: string): unknown {
  return (
    (requireHelper(`@oxc-node/core/helpers/${name}`) as { default?: unknown }).default ??
    requireHelper(`@oxc-node/core/helpers/${name}`)
  );
}
