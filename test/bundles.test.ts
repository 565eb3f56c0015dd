import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build, type Format } from 'esbuild';
import { rolldown } from 'rolldown';
import { afterAll, describe, expect, it } from 'vitest';
import webpack from 'webpack';
import { compileProgram } from './support/compiled-program.js';

const repository = new URL('..', import.meta.url).pathname;
const home = mkdtempSync(path.join(tmpdir(), 'hqb-'));
symlinkSync(path.join(repository, 'node_modules'), path.join(home, 'node_modules'));

/** The library as it is in the package. */
const compiled = compileProgram();
const library = path.join(path.dirname(compiled.main), '..');
const program = path.join(home, 'app.mjs');
writeFileSync(
  program,
  `import { HotQueue } from ${JSON.stringify(path.join(library, 'index.js'))};
   console.log(String(new HotQueue('q').name));`,
);

afterAll(() => {
  compiled.remove();
  rmSync(home, { recursive: true, force: true });
});

type Bundle = (out: string, external?: readonly string[]) => Promise<unknown>;

const byEsbuild =
  (format: Format): Bundle =>
  (outfile, external = []) =>
    build({
      entryPoints: [program],
      outfile,
      format,
      bundle: true,
      platform: 'node',
      external: [...external],
      logLevel: 'silent',
    });

/** The bundler of vite. */
const byRolldown =
  (format: 'esm' | 'cjs'): Bundle =>
  async (file) => {
    const bundle = await rolldown({ input: program, platform: 'node', logLevel: 'silent' });
    await bundle.write({ file, format, codeSplitting: false });
  };

const byWebpack =
  (format: 'module' | 'commonjs'): Bundle =>
  (file) =>
    new Promise((resolve, reject) =>
      webpack(
        {
          mode: 'production',
          optimization: { minimize: false },
          target: 'node20',
          entry: program,
          experiments: { outputModule: format === 'module' },
          output: { path: path.dirname(file), filename: path.basename(file), module: format === 'module' },
        },
        (error, stats) => {
          if (error || stats?.hasErrors()) reject(error ?? new Error(stats?.toString()));
          else resolve(stats);
        },
      ),
    );

describe.each([
  ['esbuild, ESM', byEsbuild('esm'), 'mjs'],
  ['esbuild, CommonJS', byEsbuild('cjs'), 'cjs'],
  ['rolldown, ESM', byRolldown('esm'), 'mjs'],
  ['rolldown, CommonJS', byRolldown('cjs'), 'cjs'],
  ['webpack, ESM', byWebpack('module'), 'mjs'],
  ['webpack, CommonJS', byWebpack('commonjs'), 'cjs'],
] as const)('a program that is bundled by %s', (by, bundle, extension) => {
  const out = path.join(home, `${by.replaceAll(/\W+/g, '-')}.${extension}`);
  it('says at once that hotqueue must be external', async () => {
    await bundle(out);
    const { status, stdout, stderr } = spawnSync(process.execPath, [out], { cwd: home, encoding: 'utf8' });
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toContain('BundledError: hotqueue was bundled');
    expect(stderr).toContain('Mark hotqueue, class-validator and class-transformer as external in your bundler');
    expect(stderr).not.toContain('ENOENT');
  });
});

it('a bundle that leaves hotqueue external runs', async () => {
  const out = path.join(home, 'external.mjs');
  await byEsbuild('esm')(out, [path.join(library, '*')]);
  const { status, stdout, stderr } = spawnSync(process.execPath, [out], { cwd: home, encoding: 'utf8' });
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: 'q\n', stderr: '' });
});
