import path from 'node:path';

/** The path relative to the current folder if the file is inside it, else the absolute path. */
export function nearby(file: string): string {
  const relative = path.relative('.', file);
  return relative.startsWith('..') ? file : relative;
}
