/**
 * Resizes the images of producer.ts into examples/images/resized/. You can start several of these. Ctrl-C lets active
 * messages finish, and kill -9 loses no message.
 *
 *     node --import @oxc-node/core/register examples/images/worker.ts
 *
 * Or start two processes that are restarted when they die:
 *
 *     node --import @oxc-node/core/register src/cli/main.ts worker examples/images/worker.ts --processes 2
 */
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { type Delivery, run, worker } from 'hotqueue';
import { nearby } from './folder.js';
import { resize } from './resizing.js';
import { images, ResizeImage } from './tasks.js';

class Studio {
  @worker(images, { concurrency: availableParallelism(), attempts: 3, backoff: '1s' })
  async resize(image: ResizeImage, job: Delivery<ResizeImage>) {
    const beganAt = performance.now();
    const result = await resize(image);
    const again = job.attempt > 1 ? `, attempt ${job.attempt}` : '';
    console.log(
      `${path.basename(image.path)} → ${nearby(result)} (${Math.round(performance.now() - beganAt)} ms${again})`,
    );
  }
}

console.log(`worker ${process.pid} is waiting for tasks; Ctrl-C ends it`);
await run(new Studio());
