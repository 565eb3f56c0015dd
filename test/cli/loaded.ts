import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { redisUrl } from '../support/server.js';

/** Writes the URL of each module that is imported, and of each that is loaded by `require`, to a file. */
const recorder = `
import { appendFileSync } from 'node:fs';
import { createRequire, register } from 'node:module';
const note = process.env.LOADED;
const hooks = \`import { appendFileSync } from 'node:fs';
export async function load(url, context, next) { appendFileSync(\${JSON.stringify(note)}, url + '\\\\n'); return next(url, context); }\`;
register('data:text/javascript,' + encodeURIComponent(hooks));
const { cache } = createRequire(import.meta.url);
process.on('exit', () => appendFileSync(note, Object.keys(cache).join('\\n') + '\\n'));
`;

/** Runs a program, and returns the modules that it loads: `src/cli/put.js`, or the name of a package. */
export async function modulesOf(main: string, args: readonly string[] = []): Promise<Set<string>> {
  const folder = mkdtempSync(path.join(tmpdir(), 'hotqueue-loaded-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const [preload, note] = [path.join(folder, 'recorder.mjs'), path.join(folder, 'loaded')];
  writeFileSync(preload, recorder);
  const child = spawn(process.execPath, ['--import', preload, main, ...args], {
    env: { ...process.env, REDIS_URL: redisUrl(), NO_COLOR: '1', LOADED: note },
    stdio: 'ignore',
  });
  await new Promise((resolve) => child.once('close', resolve));
  const names = readFileSync(note, 'utf8')
    .split('\n')
    .flatMap((url) => {
      if (url.startsWith('node:')) return [];
      const inPackage = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1];
      const own = /\/(src\/[^?]+)$/.exec(url)?.[1];
      return inPackage ?? own ?? [];
    });
  return new Set(names);
}
