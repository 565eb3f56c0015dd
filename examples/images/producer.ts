/**
 * Puts a task for every image of a folder, by default for sample photographs. Start worker.ts and monitor.ts in two other
 * terminals, in any order:
 *
 *     node --import @oxc-node/core/register examples/images/producer.ts [folder]
 */
import { assertOutside, imagesIn, UsageError } from './folder.js';
import { resized } from './resizing.js';
import { photos, samples } from './samples.js';
import { images } from './tasks.js';

const folder = process.argv[2];

try {
  const paths = folder
    ? await fromFolder(folder)
    : await samples({ folder: photos, count: 24, width: 1600, height: 1200 });
  const jobs = await images.putAll(paths.map((path) => ({ path, width: 800, height: 600 })));
  console.log(`put ${jobs.length} tasks, now ${await images.size()} are waiting`);
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

async function fromFolder(folder: string): Promise<string[]> {
  await assertOutside(folder, resized);
  return imagesIn(folder);
}
