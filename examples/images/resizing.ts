/** The work itself. Knows nothing of queues, so it can be called, and tested, as it is. */
import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { resultsFolder } from './folder.js';
import type { ResizeImage } from './tasks.js';

/** Results, unless told otherwise. */
export const resized = path.join(import.meta.dirname, 'resized');

// The queue's concurrency is what keeps the cores busy; threads inside each image would only get in its way.
sharp.concurrency(1);

/**
 * Resizes one image, never beyond its own size, keeping proportions and format.
 *
 * A message is delivered at least once, so this may run twice, even at the same time in two workers. The result is
 * therefore written beside its place and moved there in one step: nobody ever sees half an image, and a repeat is harmless.
 *
 * @returns the path of the result
 */
export async function resize({ path: input, width, height }: ResizeImage, results = resized): Promise<string> {
  const folder = resultsFolder(input, results);
  const { name, ext } = path.parse(input);
  const output = path.join(folder, `${name}-${width}x${height}${ext.toLowerCase()}`);
  const unfinished = path.join(folder, `.${randomUUID()}${ext.toLowerCase()}`);
  await mkdir(folder, { recursive: true });
  try {
    await sharp(input).autoOrient().resize(width, height, { fit: 'inside', withoutEnlargement: true }).toFile(unfinished);
    await rename(unfinished, output);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
  return output;
}
