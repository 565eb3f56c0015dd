/**
 * Counts the words of 200 pages of a local server, ten at a time, and collects all results:
 *
 *     node --import @oxc-node/core/register examples/word-count-service/all-pages.ts
 */
import { IsInt, IsUrl } from 'class-validator';
import { HotQueue, start } from 'hotqueue';
import { localPages } from './local-pages.js';

const { urls, close } = await localPages(200);

// From here on, all that a program needs:
class Page {
  @IsUrl({ require_tld: false }) url!: string;
}
class WordCount {
  @IsInt() words!: number;
}
const pages = new HotQueue('all-pages', { payload: Page, result: WordCount, attempts: 1, logger: false });
const count = async ({ url }: Page) => {
  const reply = await fetch(url);
  if (!reply.ok) throw new Error(`${url} answers ${reply.status}`);
  return { words: (await reply.text()).split(/\s+/).length };
};
const runner = start(pages.worker(count, { concurrency: 10 }));
const jobs = await pages.putAll(urls.map((url) => ({ url })));
const counts = await Promise.allSettled(jobs.map((job) => job.result()));
// To here.

const words = counts.flatMap((one) => (one.status === 'fulfilled' ? [one.value.words] : []));
console.log(`${words.length} pages have ${words.reduce((sum, some) => sum + some, 0)} words`);
for (const one of counts) if (one.status === 'rejected') console.log(String((one.reason as Error).cause));
await runner.stop();
await pages.close();
close();
