import { copyFile, mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { redis } from '../../support/queue.js';
import { Program } from '../program.js';
import { aBrokenImage, aFolder, draw } from './photos.js';

async function aFolderOfFive(home: string): Promise<string> {
  const folder = path.join(home, 'holidays');
  await mkdir(folder);
  for (const name of ['a.jpg', 'b.png', 'c.webp', 'd.gif', 'e.tiff']) await draw(folder, name, 1000, 900);
  return folder;
}

describe('npm start', () => {
  it('resizes samples, retries and buries a broken image, and buries an invalid task', async () => {
    const home = await aFolder();
    const start = new Program('images/start.ts', ['--home', home, '--count', '6', '--size', '1000x750']);
    expect(await start.ended()).toBe(0);
    expect(start.stdout).toMatch(/^broken\.jpg: attempt 1 failed, again in \d+ ms$/m);
    expect(start.stdout).toMatch(/^broken\.jpg: attempt 2 failed, again in \d+ ms$/m);
    expect(start.stdout).toMatch(/^resizing █+ 8\/8 .* 2 retried {2}2 dead$/m);
    expect(start.stdout).toMatch(/^ {2}done +6$/m);
    expect(start.stdout).toMatch(/^ {2}retried +2 attempts/m);
    expect(start.stdout).toMatch(/^ {2}dead +2$/m);
    expect(start.stdout).toMatch(
      /^ +broken\.jpg +failed 3 of 3 attempts +Input file contains unsupported image format$/m,
    );
    expect(start.stdout).toMatch(/^ +invalid\.jpg +invalid payload +width: must not be less than 1$/m);
    expect(start.stdout).toMatch(new RegExp(`^ {2}results +${path.join(home, 'resized', 'photos')}/$`, 'm'));
    const results = await readdir(path.join(home, 'resized/photos'));
    expect(results).toHaveLength(6);
    const sizes = await Promise.all(results.map((name) => sharp(path.join(home, 'resized/photos', name)).metadata()));
    expect(sizes.map(({ width, height }) => [width, height])).toEqual(Array(6).fill([800, 600]));
  });

  it('prints no escape codes without a terminal, and nothing on stderr', async () => {
    const home = await aFolder();
    const start = new Program('images/start.ts', ['--home', home, '--count', '1', '--size', '20x15']);
    expect(await start.ended()).toBe(0);
    expect(start.stdout).toBe(stripVTControlCharacters(start.stdout));
    expect(start.stderr).toBe('');
  });

  it('resizes the images of a folder without changing them, and can be repeated', async () => {
    const home = await aFolder();
    const folder = await aFolderOfFive(home);
    const before = await readFile(path.join(folder, 'a.jpg'));
    for (let time = 1; time <= 2; time++) {
      const start = new Program('images/start.ts', [folder, '--home', home]);
      expect(await start.ended()).toBe(0);
      expect(start.stdout).toMatch(/^ {2}done +5$/m);
      expect(start.stdout).toMatch(/^ {2}dead +0$/m);
      expect((await readdir(path.join(home, 'resized/holidays'))).sort()).toEqual([
        'a-800x600.jpg',
        'b-800x600.png',
        'c-800x600.webp',
        'd-800x600.gif',
        'e-800x600.tiff',
      ]);
    }
    expect(await readFile(path.join(folder, 'a.jpg'))).toEqual(before);
  });

  it('exits with 1 if an image of the folder is broken', async () => {
    const home = await aFolder();
    const folder = await aFolderOfFive(home);
    await aBrokenImage(folder);
    const start = new Program('images/start.ts', [folder, '--home', home]);
    expect(await start.ended()).toBe(1);
    expect(start.stdout).toMatch(/^ {2}done +5$/m);
    expect(start.stdout).toMatch(/^ +broken\.jpg +failed 3 of 3 attempts/m);
  });

  it.each([
    ['a missing folder', ['/no/such/folder'], /^\/no\/such\/folder cannot be read as a folder: ENOENT.*\n$/],
    ['a folder without images', [import.meta.dirname], /^there are no images in .*\(looked for \.jpg .*\)\n$/],
    ['an unknown option', ['--hone', '/tmp'], /^Unknown option '--hone'.*\nnpm start -- \[folder\].*\n$/],
    ['an invalid size', ['--size', 'large'], /^invalid --size "large": expected a size such as 1600x1200\nnpm start/],
  ])('reports %s', async (_, args, sentence) => {
    const start = new Program('images/start.ts', args);
    expect(await start.ended()).toBe(1);
    expect(start.stderr).toMatch(sentence);
    expect(start.stdout).toBe('');
  });

  it('stops on Ctrl-C, without incomplete images and active messages', async () => {
    const home = await aFolder();
    const folder = path.join(home, 'large');
    await mkdir(folder);
    const one = await draw(folder, '0.png', 5000, 4000);
    for (let number = 1; number < 60; number++) await copyFile(one, path.join(folder, `${number}.png`));
    const start = new Program('images/start.ts', [folder, '--home', home]);
    await start.prints('resizing');
    expect(await start.interrupt()).toBe(130);
    expect(start.stdout).toMatch(/^ {2}not done +\d+, put again by the next run$/m);
    const results = await readdir(path.join(home, 'resized/large'));
    expect(results.filter((name) => !/^\d+-800x600\.png$/.test(name))).toEqual([]);
    expect(await redis().keys('{hotqueue:images-*}:claims:*')).toEqual([]);
  });
});
