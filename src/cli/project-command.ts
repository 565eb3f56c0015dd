import { existsSync, readFileSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { findUp } from './find-up.js';

/**
 * Main file of the command that the project of a folder has in its node_modules.
 *
 * Worker files import the library of their project. If a global command loaded them, the process would have two copies, and each
 * knows only its own workers. So the command of the project runs in place of the global one.
 *
 * @param own the package of the running command
 * @returns `undefined` if the project has no command, or if it is the running one
 */
export function projectCommand(folder: string, own: string): string | undefined {
  const manifest = findUp('node_modules/hotqueue/package.json', folder);
  if (manifest === undefined || realpathSync(path.dirname(manifest)) === realpathSync(own)) return undefined;
  const { bin } = JSON.parse(readFileSync(manifest, 'utf8')) as { bin?: { hotqueue?: string } };
  const main = path.join(path.dirname(manifest), bin?.hotqueue ?? '');
  return bin?.hotqueue !== undefined && existsSync(main) ? main : undefined;
}
