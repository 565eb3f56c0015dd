/**
 * The worker: fetches pages and counts their words. Start as many as you like:
 *
 *     node --import @oxc-node/core/register examples/word-count-service/worker.ts
 */
import { type Delivery, run, worker } from 'hotqueue';
import { type CountWords, pages, type WordCount } from './counts.js';

class Counter {
  @worker(pages, { concurrency: 10, attempts: 3, timeout: '30s' })
  async count({ url }: CountWords, job: Delivery<CountWords>): Promise<WordCount> {
    const reply = await fetch(url, { signal: job.signal });
    if (!reply.ok) throw new Error(`${url} answers ${reply.status}`);
    const text = await reply.text();
    await job.log(`fetched ${text.length} characters`);
    return { words: text.split(/\s+/).filter((word) => word !== '').length };
  }
}

console.log(`worker ${process.pid} is waiting for pages`);
await run(new Counter());
