/** Small images, and folders that are removed after the test. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { afterEach } from 'vitest';

const made: string[] = [];

afterEach(async () => {
  await Promise.all(made.splice(0).map((folder) => rm(folder, { recursive: true, force: true })));
});

export async function aFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'hotqueue-images-'));
  made.push(folder);
  return folder;
}

/** Writes an image of the given size. The extension of `name` selects the format. */
export async function draw(folder: string, name: string, width = 40, height = 30): Promise<string> {
  const file = path.join(folder, name);
  await sharp({ create: { width, height, channels: 3, background: '#c33' } })
    .toFormat(path.extname(name).slice(1).toLowerCase() as 'png')
    .toFile(file);
  return file;
}

export async function aBrokenImage(folder: string, name = 'broken.jpg'): Promise<string> {
  const file = path.join(folder, name);
  await writeFile(file, 'not an image');
  return file;
}
