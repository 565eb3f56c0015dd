/**
 * The whole image queue in one process: puts a task for each image, resizes the images, and shows progress and failures.
 *
 *     npm start                 sample photographs, with a broken image and an invalid task
 *     npm start ~/Pictures      the images of a folder
 *
 * After a `--`: `--home <folder>` for photos/ and resized/, `--count 24` and `--size 1600x1200` for the samples.
 */
import { randomUUID } from 'node:crypto';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { HotQueue, HotQueueError, type Job, start, worker } from 'hotqueue';
import { Books } from './books.js';
import { nearby, resultsFolder, UsageError } from './folder.js';
import { plan, type Plan } from './plan.js';
import { paintOn, Progress } from './progress.js';
import { resize } from './resizing.js';
import { summary } from './summary.js';
import { ResizeImage } from './tasks.js';

const size = { width: 800, height: 600 };

// Each run has a new queue, so it sees no messages of earlier runs.
const images = new HotQueue(`images-${randomUUID().slice(0, 8)}`, { payload: ResizeImage, logger: false });

class Studio {
  constructor(private readonly results: string) {}

  @worker(images, { concurrency: Math.max(2, availableParallelism()), attempts: 3, backoff: '500ms' })
  async resize(image: ResizeImage) {
    await resize(image, this.results);
  }
}

/** @returns the exit code */
async function main(): Promise<number> {
  const planned = await plan(process.argv.slice(2), process.env.INIT_CWD ?? process.cwd());
  const jobs = await putAll(planned);
  const books = new Books(images, jobs);
  const progress = new Progress('resizing', () => books.tally);
  tell(progress, jobs);

  const runner = start(new Studio(planned.results));
  let end: 'balanced' | 'interrupted' | 'finished';
  try {
    end = await Promise.race([books.balanced, interrupted(), runner.finished.then(() => 'finished' as const)]);
    await runner.stop({ shutdownTimeout: '2s' });
  } finally {
    progress.end();
  }

  const { done, retried, left } = books.tally;
  const dead = await images.dead.list({ limit: jobs.length });
  const results = nearby(resultsFolder(planned.paths[0]!, planned.results)) + path.sep;
  console.log(summary({ done, retried, dead, left, tookMs: progress.elapsedMs, results }, paintOn(process.stdout)));
  await images.clear(); // the released messages
  if (end === 'interrupted') return 130;
  return dead.length === (planned.isShow ? 2 : 0) && done + dead.length === jobs.length ? 0 : 1;
}

/** Resolves on Ctrl-C. A second Ctrl-C ends the process at once. */
function interrupted(): Promise<'interrupted'> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve('interrupted'));
  });
}

async function putAll({ paths, isShow }: Plan): Promise<Job[]> {
  const jobs: Job[] = await images.putAll(paths.map((path) => ({ path, ...size })));
  if (!isShow) return jobs;
  // `images` would refuse this task. Programs in another language, or without the class, can put it.
  const unchecked = new HotQueue(images.name);
  return [...jobs, await unchecked.put({ path: 'invalid.jpg', width: -5, height: 600 })];
}

/** Prints failures as they happen. */
function tell(progress: Progress, jobs: readonly Job[]): void {
  const names = new Map(jobs.map(({ id, payload }) => [id, path.basename((payload as ResizeImage).path)]));
  images.events.on('retry', ({ id, attempt, delayMs }) =>
    progress.say(`${names.get(id)}: attempt ${attempt} failed, again in ${delayMs} ms`),
  );
  images.events.on('bury', ({ id, reason }) => progress.say(`${names.get(id)}: dead, ${reason}`));
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof UsageError || error instanceof HotQueueError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
} finally {
  await images.close();
}
