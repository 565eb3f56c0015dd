/**
 * Breaks things, and does the books:
 *
 *     npm run chaos                      every scenario, the short form
 *     npm run chaos -- --long            the long form
 *     npm run chaos -- F04 F18 --seed 7  some of them, again
 *     npm run chaos -- --list
 */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { stage } from './stage.js';

const staged = stage();
const runner = spawn(process.execPath, ['--enable-source-maps', path.join(staged.folder, 'test/chaos/runner.js'), ...process.argv.slice(2)], { stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => runner.kill(signal));
runner.once('exit', (code) => {
  staged.close();
  process.exitCode = code ?? 1;
});
