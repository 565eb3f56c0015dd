import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { brokenSample, samples } from '../../../examples/images/samples.js';
import { aFolder } from './photos.js';

const small = { count: 24, width: 32, height: 24 };

it('paints different photographs of the given size', async () => {
  const folder = await aFolder();
  const files = await samples({ folder, ...small });
  expect(files).toHaveLength(24);
  expect(new Set(files.map((file) => path.basename(file).replace(/^\d+-/, ''))).size).toBe(24);
  const pictures = await Promise.all(files.map((file) => readFile(file)));
  expect(new Set(pictures.map((picture) => picture.toString('base64'))).size).toBe(24);
  for (const picture of pictures) {
    expect(await sharp(picture).metadata()).toMatchObject({ format: 'jpeg', width: 32, height: 24 });
    const { channels } = await sharp(picture).stats();
    expect(channels[0]!.stdev).toBeGreaterThan(3); // the picture is not empty
  }
});

it('paints only missing photographs', async () => {
  const folder = await aFolder();
  const painted: number[] = [];
  const first = await samples({ folder, ...small, count: 3 }, (total) => painted.push(total));
  const before = await stat(first[0]!);
  await samples({ folder, ...small, count: 5 }, (total) => painted.push(total));
  expect(painted).toEqual([3, 3, 3, 2, 2]);
  expect((await stat(first[0]!)).mtimeMs).toBe(before.mtimeMs);
});

it('does not use photographs of another size', async () => {
  const folder = await aFolder();
  await samples({ folder, ...small, count: 2 });
  await samples({ folder, count: 2, width: 40, height: 30 });
  expect(await readdir(folder)).toHaveLength(4);
});

it('writes a broken image', async () => {
  await expect(sharp(await brokenSample(await aFolder())).metadata()).rejects.toThrow();
});
