/** Finds the images of a folder, and the folder for their results. */
import { readdir, realpath } from 'node:fs/promises';
import path from 'node:path';

/** An error that the user can fix. It is printed without a stack. */
export class UsageError extends Error {}

const kinds = new Set(['.jpg', '.jpeg', '.png', '.webp', '.avif', '.gif', '.tif', '.tiff']);

/**
 * Absolute paths of the images in `folder`, sorted by name.
 *
 * @throws UsageError if the folder does not exist or has no image
 */
export async function imagesIn(folder: string): Promise<string[]> {
  const files = await filesIn(folder);
  const found = files.filter((name) => kinds.has(path.extname(name).toLowerCase())).sort();
  if (found.length === 0) throw new UsageError(`there are no images in ${folder} (looked for ${[...kinds].join(' ')})`);
  return found.map((name) => path.resolve(folder, name));
}

async function filesIn(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.filter((entry) => !entry.isDirectory()).map((entry) => entry.name);
  } catch (error) {
    throw new UsageError(`${folder} cannot be read as a folder: ${(error as Error).message}`, { cause: error });
  }
}

/** The folder for the result of the image at `input`. It has the same name as the folder of the image. */
export function resultsFolder(input: string, results: string): string {
  return path.join(results, path.basename(path.dirname(input)));
}

/**
 * Makes sure that no result can overwrite an input.
 *
 * @throws UsageError if `folder` is the folder for results or inside it
 */
export async function assertOutside(folder: string, results: string): Promise<void> {
  const [inside, outside] = await Promise.all(
    [folder, results].map((one) => realpath(one).catch(() => path.resolve(one))),
  );
  const way = path.relative(outside!, inside!);
  if (way.split(path.sep)[0] !== '..' && !path.isAbsolute(way))
    throw new UsageError(`${folder} is the folder for results, which must not overwrite inputs: choose another folder`);
}

/** A path as a user would type it: relative to the current folder, or absolute if it is outside. */
export function nearby(file: string): string {
  const way = path.relative('.', file);
  return way.startsWith('..') ? file : way;
}
