import { mkdir, symlink } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { assertOutside, imagesIn, nearby, UsageError } from '../../../examples/images/folder.js';
import { aBrokenImage, aFolder, draw } from './photos.js';

it('finds images by their names, in order, and skips other files', async () => {
  const folder = await aFolder();
  await Promise.all(['b.JPG', 'a.png', 'c.webp', 'd.gif', 'e.tiff', 'f.avif'].map((name) => draw(folder, name)));
  await aBrokenImage(folder, 'notes.txt');
  await mkdir(path.join(folder, 'album.jpg'));
  expect((await imagesIn(folder)).map((file) => path.relative(folder, file))).toEqual([
    'a.png',
    'b.JPG',
    'c.webp',
    'd.gif',
    'e.tiff',
    'f.avif',
  ]);
});

it('reports a missing folder, a file, and a folder without images', async () => {
  const folder = await aFolder();
  await expect(imagesIn(folder)).rejects.toThrow(
    new UsageError(`there are no images in ${folder} (looked for .jpg .jpeg .png .webp .avif .gif .tif .tiff)`),
  );
  await expect(imagesIn(path.join(folder, 'nowhere'))).rejects.toThrow(/nowhere cannot be read as a folder: ENOENT/);
  await expect(imagesIn(await draw(folder, 'a.png'))).rejects.toThrow(/a\.png cannot be read as a folder: ENOTDIR/);
});

it('refuses to resize the results, by any path', async () => {
  const home = await aFolder();
  const results = path.join(home, 'resized');
  await mkdir(path.join(results, 'photos'), { recursive: true });
  await symlink(results, path.join(home, 'alias'));
  await expect(assertOutside(results, results)).rejects.toThrow(UsageError);
  await expect(assertOutside(path.join(results, 'photos'), results)).rejects.toThrow(UsageError);
  await expect(assertOutside(path.join(home, 'alias'), results)).rejects.toThrow(UsageError);
  await expect(assertOutside(home, results)).resolves.toBeUndefined();
  await expect(assertOutside(path.join(home, 'resized-too'), results)).resolves.toBeUndefined();
});

it('prints paths as a user would type them', () => {
  expect(nearby(path.resolve('examples/images'))).toBe(path.join('examples', 'images'));
  expect(nearby('/elsewhere')).toBe('/elsewhere');
});
