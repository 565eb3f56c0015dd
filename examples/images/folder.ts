/** Which files of a folder are images, and where their results go. */
import { readdir, realpath } from 'node:fs/promises';
import path from 'node:path';

/** Something the person at the keyboard can put right: told in one sentence, without a stack. */
export class UsageError extends Error {}

const kinds = new Set(['.jpg', '.jpeg', '.png', '.webp', '.avif', '.gif', '.tif', '.tiff']);

/**
 * Absolute paths of the images in `folder`, in the order of their names.
 *
 * @throws UsageError when there is no such folder, or no image in it
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

/** The folder of the results for the image at `input`: named after the folder the image is in. */
export function resultsFolder(input: string, results: string): string {
  return path.join(results, path.basename(path.dirname(input)));
}

/**
 * Makes sure that no result can land on an input.
 *
 * @throws UsageError when `folder` lies among the results
 */
export async function assertOutside(folder: string, results: string): Promise<void> {
  const [inside, outside] = await Promise.all([folder, results].map((one) => realpath(one).catch(() => path.resolve(one))));
  const way = path.relative(outside!, inside!);
  if (way.split(path.sep)[0] !== '..' && !path.isAbsolute(way)) throw new UsageError(`${folder} is where results go, which must not overwrite inputs: choose another folder`);
}

/** A path as a person would type it here: relative, unless that leads upwards. */
export function nearby(file: string): string {
  const way = path.relative('.', file);
  return way.startsWith('..') ? file : way;
}
