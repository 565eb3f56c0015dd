import { readdirSync, watch, type FSWatcher } from 'node:fs';
import path from 'node:path';

/** Waits this long after a change, because editors write a file in several steps. */
const settleMs = 100;
const isSource = (name: string): boolean => /\.[mc]?[jt]sx?$/.test(name);

/**
 * Watches the sources in the folders of some files and in their subfolders, except node_modules and folders that start with a dot.
 *
 * @returns a function that stops watching
 */
export function watchSources(files: readonly string[], onChange: (file: string) => void): () => void {
  const watchers = new Map<string, FSWatcher>();
  let timer: NodeJS.Timeout | undefined;
  const tell = (file: string): void => {
    clearTimeout(timer);
    timer = setTimeout(() => onChange(file), settleMs);
  };
  const add = (folder: string): void => {
    const watcher = watch(folder, (_, name) => {
      if (name === null) return;
      for (const inner of foldersIn(folder)) if (!watchers.has(inner)) addLate(inner);
      if (isSource(name)) tell(path.join(folder, name));
    });
    watcher.on('error', () => forget(folder)); // the folder was removed
    watchers.set(folder, watcher);
    for (const inner of foldersIn(folder)) if (!watchers.has(inner)) add(inner);
  };
  /** Watches a new folder. Files that were written before the watch started count as changed too. */
  const addLate = (folder: string): void => {
    add(folder);
    const source = readdirSync(folder, { recursive: true, encoding: 'utf8' }).find(isSource);
    if (source !== undefined) tell(path.join(folder, source));
  };
  const forget = (folder: string): void => {
    watchers.get(folder)?.close();
    watchers.delete(folder);
  };
  for (const folder of new Set(files.map((file) => path.dirname(file)))) if (!watchers.has(folder)) add(folder);
  return () => {
    clearTimeout(timer);
    for (const folder of [...watchers.keys()]) forget(folder);
  };
}

function foldersIn(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries
      .filter((entry) => entry.isDirectory() && entry.name !== 'node_modules' && !entry.name.startsWith('.'))
      .map((entry) => path.join(folder, entry.name));
  } catch {
    return []; // the folder was removed meanwhile
  }
}
