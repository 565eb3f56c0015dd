import { open, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { resize } from '../../../examples/images/resizing.js';
import { aBrokenImage, aFolder, draw } from './photos.js';

it.each([
  ['a.jpg', 400, 300, 'jpeg', 80, 60],
  ['b.PNG', 300, 400, 'png', 45, 60],
  ['c.webp', 400, 100, 'webp', 80, 20],
  ['d.gif', 40, 30, 'gif', 40, 30], // never enlarged
])('makes %s of %i×%i a %s that fits', async (name, width, height, format, newWidth, newHeight) => {
  const home = await aFolder();
  const result = await resize(
    { path: await draw(home, name, width, height), width: 80, height: 60 },
    path.join(home, 'resized'),
  );
  expect(path.basename(result)).toBe(`${path.parse(name).name}-80x60${path.extname(name).toLowerCase()}`);
  expect(await sharp(result).metadata()).toMatchObject({ format, width: newWidth, height: newHeight });
});

it('may run several times, also at the same time, and leaves one complete result', async () => {
  const home = await aFolder();
  const image = { path: await draw(home, 'a.jpg', 800, 600), width: 80, height: 60 };
  const results = await Promise.all([1, 2, 3].map(() => resize(image, path.join(home, 'resized'))));
  expect(new Set(results).size).toBe(1);
  expect(await readdir(path.dirname(results[0]!))).toEqual(['a-80x60.jpg']);
});

it('writes separate results for images with the same name in two folders', async () => {
  const home = await aFolder();
  const [one, other] = await Promise.all([aFolder(), aFolder()]);
  const results = await Promise.all(
    [one, other].map(async (folder) => resize({ path: await draw(folder, 'a.png'), width: 8, height: 8 }, home)),
  );
  expect(new Set(results).size).toBe(2);
});

it('throws for a file that is not an image, and leaves no file', async () => {
  const home = await aFolder();
  await expect(
    resize({ path: await aBrokenImage(home), width: 80, height: 60 }, path.join(home, 'resized')),
  ).rejects.toThrow(/unsupported image format/);
  expect(await readdir(path.join(home, 'resized', path.basename(home)))).toEqual([]);
});

it('replaces an earlier result in one step: a program that reads it meanwhile gets a complete image', async () => {
  const home = await aFolder();
  const image = { path: await draw(home, 'a.jpg', 800, 600), width: 80, height: 60 };
  const reader = await open(await resize(image, path.join(home, 'resized')));
  const result = await resize(image, path.join(home, 'resized'));
  expect((await stat(result)).ino).not.toBe((await reader.stat()).ino);
  expect(await sharp(await reader.readFile()).metadata()).toMatchObject({ width: 80, height: 60 });
  await reader.close();
});
