/** Sample photographs for a machine that has none: painted once, kept in a folder. */
import { randomUUID } from 'node:crypto';
import { access, mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { lights, paint, scenes } from './scenes.js';

/** Sample photographs, unless told otherwise. */
export const photos = path.join(import.meta.dirname, 'photos');

export interface Wanted {
  readonly folder: string;
  readonly count: number;
  readonly width: number;
  readonly height: number;
}

/**
 * Paints what is missing.
 *
 * @param onPaint called before each one that has to be painted, with the number of all that have to be
 * @returns the absolute paths of `count` photographs
 */
export async function samples({ folder, count, width, height }: Wanted, onPaint = (_total: number): void => {}): Promise<string[]> {
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

/** A file that calls itself an image and is none. */
export async function brokenSample(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const file = path.resolve(folder, 'broken.jpg');
  await whole(file, 'This is no image, whatever its name says.\n');
  return file;
}

/** Another scene each time, in another light each round. */
function motif(index: number) {
  const kinds = Object.keys(scenes) as (keyof typeof scenes)[];
  const times = Object.keys(lights) as (keyof typeof lights)[];
  const round = Math.floor(index / kinds.length);
  return { scene: kinds[index % kinds.length]!, light: times[(index + 1 + round) % times.length]! };
}

/** Ctrl-C in the middle leaves no half photograph that would be taken for a whole one next time. */
async function whole(file: string, content: Buffer | string): Promise<void> {
  const unfinished = path.join(path.dirname(file), `.${randomUUID()}`);
  await writeFile(unfinished, content);
  await rename(unfinished, file);
}

const exists = (file: string): Promise<boolean> => access(file).then(() => true, () => false);
