/** Reads the arguments of `npm start`: which images to resize, and where the results go. */
import path from 'node:path';
import { parseArgs } from 'node:util';
import { assertOutside, imagesIn, UsageError } from './folder.js';
import { Progress } from './progress.js';
import { brokenSample, samples, type Wanted } from './samples.js';

export interface Plan {
  /** Absolute paths of the images. */
  readonly paths: readonly string[];
  readonly results: string;
  /** Whether these are the samples, which include a broken image and an invalid task on purpose. */
  readonly isShow: boolean;
}

/**
 * @param args arguments of the command line
 * @param from the current folder of the user
 * @throws UsageError
 */
export async function plan(args: readonly string[], from: string): Promise<Plan> {
  const { folder, home, count, size } = understood(args);
  const base = home === undefined ? import.meta.dirname : path.resolve(from, home);
  const results = path.join(base, 'resized');
  if (folder === undefined)
    return { paths: await painted({ folder: path.join(base, 'photos'), count, ...size }), results, isShow: true };
  const given = path.resolve(from, folder);
  await assertOutside(given, results);
  return { paths: await imagesIn(given), results, isShow: false };
}

function understood(args: readonly string[]) {
  const options = {
    home: { type: 'string' },
    count: { type: 'string', default: '24' },
    size: { type: 'string', default: '1600x1200' },
  } as const;
  try {
    const { values, positionals } = parseArgs({ args: [...args], allowPositionals: true, options });
    if (positionals.length > 1) throw new Error('too many arguments: give at most one folder');
    const [, width, height] = /^(\d+)x(\d+)$/.exec(values.size) ?? [];
    if (!Number(width) || !Number(height))
      throw new Error(`invalid --size "${values.size}": expected a size such as 1600x1200`);
    if (!/^[1-9]\d?$/.test(values.count))
      throw new Error(`invalid --count "${values.count}": expected a whole number from 1 to 99`);
    return {
      folder: positionals[0],
      home: values.home,
      count: Number(values.count),
      size: { width: Number(width), height: Number(height) },
    };
  } catch (error) {
    throw new UsageError(
      `${(error as Error).message}\nnpm start -- [folder] [--home folder] [--count 24] [--size 1600x1200]`,
    );
  }
}

async function painted(wanted: Wanted): Promise<string[]> {
  let done = 0;
  let progress: Progress | undefined;
  const paths = await samples(wanted, (total) => {
    progress ??= new Progress('painting sample photographs', () => ({ total, done }));
    done++;
  });
  progress?.end();
  return [...paths, await brokenSample(wanted.folder)];
}
