/** Sample photographs for machines without images. They are painted once and kept in a folder. */
import { randomUUID } from 'node:crypto';
import { access, mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { lights, paint, scenes } from './scenes.js';

/** Default folder for sample photographs. */
export const photos = path.join(import.meta.dirname, 'photos');

export interface Wanted {
  readonly folder: string;
  readonly count: number;
  readonly width: number;
  readonly height: number;
}

/**
 * Paints the missing photographs.
 *
 * @param onPaint called before each photograph that is painted, with the number of all that must be painted
 * @returns the absolute paths of `count` photographs
 */
export async function samples(
  { folder, count, width, height }: Wanted,
  onPaint = (_total: number): void => {},
): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const wanted = Array.from({ length: count }, (_, index) => {
    const { scene, light } = motif(index);
    const name = `${String(index + 1).padStart(2, '0')}-${scene}-at-${light}-${width}x${height}.jpg`;
    return { file: path.resolve(folder, name), motif: { scene, light, width, height, seed: index + 1 } };
  });
  const isThere = await Promise.all(wanted.map(({ file }) => exists(file)));
  const missing = wanted.filter((_, index) => !isThere[index]);
  for (const { file, motif } of missing) {
    onPaint(missing.length);
    await whole(file, await paint(motif));
  }
  return wanted.map(({ file }) => file);
}

/** Writes a file with the name of an image, but without an image. @returns its absolute path */
export async function brokenSample(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const file = path.resolve(folder, 'broken.jpg');
  await whole(file, 'This is not an image, in spite of its name.\n');
  return file;
}

/** A different scene for each index, in a different light each round. */
function motif(index: number) {
  const kinds = Object.keys(scenes) as (keyof typeof scenes)[];
  const times = Object.keys(lights) as (keyof typeof lights)[];
  const round = Math.floor(index / kinds.length);
  return { scene: kinds[index % kinds.length]!, light: times[(index + 1 + round) % times.length]! };
}

/** Writes a file in one step. Otherwise, Ctrl-C could leave an incomplete photograph that the next run would use. */
async function whole(file: string, content: Buffer | string): Promise<void> {
  const unfinished = path.join(path.dirname(file), `.${randomUUID()}`);
  await writeFile(unfinished, content);
  await rename(unfinished, file);
}

const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );
