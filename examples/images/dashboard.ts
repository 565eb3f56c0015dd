/**
 * The image queue at work, and its dashboard in the browser. Puts a task every 100 ms; each 20th is for a broken image, so there are
 * retries and dead letters to look at. Ctrl-C ends it, and deletes the queue's messages.
 *
 *     npm run dashboard              http://127.0.0.1:8081
 *     npm run dashboard -- 9000      another port
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setInterval as everyMs } from 'node:timers/promises';
import { type Delivery, HotQueue, start, worker } from 'hotqueue';
import { dashboard } from 'hotqueue/dashboard';
import { resize } from './resizing.js';
import { brokenSample, photos, samples } from './samples.js';
import { ResizeImage } from './tasks.js';

const images = new HotQueue('images-dashboard', { payload: ResizeImage, track: true, logger: false });

class Studio {
  @worker(images, { concurrency: 2, attempts: 3, backoff: '2s' })
  async resize(image: ResizeImage, job: Delivery<ResizeImage>): Promise<string> {
    await job.log(`attempt ${job.attempt}`);
    return resize(image);
  }
}

const paths = await samples({ folder: photos, count: 12, width: 800, height: 600 });
const broken = await brokenSample(photos);
const runner = start(new Studio());
const board = dashboard({ queues: [images.name] });
const server = createServer((request, response) => void board.handle(request, response));
server.listen(Number(process.argv[2] ?? 8081), '127.0.0.1');
await once(server, 'listening');
console.log(`dashboard: http://127.0.0.1:${(server.address() as AddressInfo).port} (Ctrl-C ends it)`);

const ending = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ending.abort());
try {
  let count = 0;
  for await (const _ of everyMs(100, undefined, { signal: ending.signal })) {
    const path = ++count % 20 === 0 ? broken : paths[count % paths.length]!;
    await images.put({ path, width: 400, height: 300 });
  }
} catch (error) {
  if (!ending.signal.aborted) throw error;
} finally {
  server.close();
  await board.close();
  server.closeAllConnections();
  await runner.stop();
  await images.clear();
  await images.dead.dropAll();
  await images.close();
}
