import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';

const repository = new URL('../..', import.meta.url).pathname;
const copied = [
  ...['src', 'package.json', 'tsconfig.json', 'tsconfig.build.json', '.prettierignore'],
  ...['.dependency-cruiser.js', 'typedoc.config.js'],
];

/** A copy of the sources with their configuration, which one test may break. It is removed after the test. */
export class RepositoryCopy {
  readonly #dir = mkdtempSync(path.join(tmpdir(), 'hq-copy-'));

  constructor() {
    for (const name of copied) cpSync(path.join(repository, name), path.join(this.#dir, name), { recursive: true });
    symlinkSync(path.join(repository, 'node_modules'), path.join(this.#dir, 'node_modules'));
    onTestFinished(() => rmSync(this.#dir, { recursive: true, force: true }));
  }

  /** Adds lines to the end of a file. */
  append(file: string, text: string): void {
    const place = path.join(this.#dir, file);
    writeFileSync(place, `${readFileSync(place, 'utf8')}\n${text}\n`);
  }

  /** Runs a script of package.json. @returns its exit code and all of its output, without colours */
  async npm(script: string): Promise<{ code: number; output: string }> {
    const env = { ...process.env, NO_COLOR: '1' };
    try {
      const { stdout, stderr } = await promisify(execFile)('npm', ['run', script], { cwd: this.#dir, env });
      return { code: 0, output: stdout + stderr };
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      return { code, output: stdout + stderr };
    }
  }
}
