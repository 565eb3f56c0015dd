/** Resizes images. This file does not use queues, so tests can call it directly. */
import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { resultsFolder } from './folder.js';
import type { ResizeImage } from './tasks.js';

/** Default folder for results. */
export const resized = path.join(import.meta.dirname, 'resized');

// The concurrency of the worker keeps the cores busy. More threads for each image would only compete with it.
sharp.concurrency(1);

/**
 * Resizes one image. It keeps the proportions and the format, and never enlarges the image.
 *
 * A message is delivered at least once, so this may run twice, even at the same time in two workers. So the result is written
 * to a temporary file and renamed: no program sees an incomplete image, and a second run does no harm.
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
    await sharp(input)
      .autoOrient()
      .resize(width, height, { fit: 'inside', withoutEnlargement: true })
      .toFile(unfinished);
    await rename(unfinished, output);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
  return output;
}
