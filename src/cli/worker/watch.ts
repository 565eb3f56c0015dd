import { once } from 'node:events';
import path from 'node:path';
import { watch } from 'chokidar';

/** Waits this long after a change, because editors write a file in several steps. */
const settleMs = 100;
const isSource = (name: string): boolean => /\.[mc]?[jt]sx?$/.test(name);
const isSkipped = (name: string): boolean => name === 'node_modules' || name.startsWith('.');

/**
 * Watches the sources in the folders of some files and in their subfolders, except node_modules and folders that start with a dot.
 *
 * Resolves when it sees every change. Start nothing before that: the change of a file that is already loaded would be missed.
 *
 * @returns a function that stops watching
 */
export async function watchSources(
  files: readonly string[],
  onChange: (file: string) => void,
): Promise<() => Promise<void>> {
  const folders = [...new Set(files.map((file) => path.dirname(path.resolve(file))))];
  let timer: NodeJS.Timeout | undefined;
  const watcher = watch(folders, {
    ignoreInitial: true,
    ignored: (file, stats) =>
      !folders.includes(file) && (isSkipped(path.basename(file)) || (stats?.isFile() === true && !isSource(file))),
  });
  watcher.on('all', (_event, file) => {
    if (!isSource(file)) return; // a folder
    clearTimeout(timer);
    timer = setTimeout(() => onChange(file), settleMs);
  });
  await once(watcher, 'ready');
  return () => {
    clearTimeout(timer);
    return watcher.close();
  };
}
