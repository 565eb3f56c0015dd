import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { forget, Program } from './program.js';

beforeEach(() => forget('pages', 'all-pages'));

/** A server of pages. `/slow` answers when `release` was called. */
async function aSite(): Promise<{ url: string; release: () => void }> {
  let release = (): void => undefined;
  const slow = new Promise<void>((resolve) => (release = resolve));
  const server = createServer((request, response) => {
    if (request.url === '/gone') response.writeHead(404).end();
    else if (request.url === '/slow') void slow.then(() => response.end('four words at last'));
    else response.end('to be or not to be');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, release };
}

async function words(...args: string[]): Promise<{ code: number | string; lines: string[]; stderr: string }> {
  const program = new Program('word-count-service/words.ts', args);
  const code = await program.ended();
  return { code, lines: program.lines, stderr: program.stderr };
}

it('trigger and result: waiting, then the words; a page that is gone has failed', async () => {
  const { url } = await aSite();
  const { lines } = await words('trigger', '--url', `${url}/page`);
  const [id] = lines as [string];
  expect((await words('result', '--jobid', id)).lines).toEqual(['waiting']);
  const worker = new Program('word-count-service/worker.ts');
  expect((await words('result', '--jobid', id, '--wait', '30s')).lines).toEqual(['6']);
  expect((await words('result', '--jobid', id)).lines).toEqual(['6']);
  const gone = (await words('trigger', '--url', `${url}/gone`)).lines[0]!;
  const failed = await words('result', '--jobid', gone, '--wait', '30s');
  expect(failed).toMatchObject({ code: 1, stderr: expect.stringContaining('JOB_FAILED') as string });
  expect((await words('result', '--jobid', gone)).lines[0]).toBe(`failed: ${url}/gone answers 404`);
  expect(await words('result', '--jobid', 'other')).toMatchObject({ code: 1, stderr: 'there is no job other\n' });
  expect(await words('result')).toMatchObject({ code: 1 });
  expect(await worker.interrupt()).toBe(0);
});

it('the service answers with the words, or with 202 when it takes longer', async () => {
  const { url, release } = await aSite();
  const service = new Program('word-count-service/service.ts', [], { PORT: '0' });
  const worker = new Program('word-count-service/worker.ts');
  await service.prints('service on');
  await worker.prints('is waiting for pages');
  const base = /service on (\S+)/.exec(service.stdout)![1]!;
  const get = async (path: string) => {
    const reply = await fetch(base + path);
    return { code: reply.status, body: (await reply.json()) as Record<string, unknown> };
  };
  expect(await get(`/count?url=${url}/page`)).toMatchObject({ code: 200, body: { words: 6 } });
  const slow = await get(`/count?url=${url}/slow`);
  expect(slow).toMatchObject({ code: 202, body: { status: 'running' } });
  expect(await get(`/jobs/${String(slow.body.id)}`)).toMatchObject({ code: 202 });
  release();
  await expect
    .poll(() => get(`/jobs/${String(slow.body.id)}`), { timeout: 20_000 })
    .toMatchObject({ body: { words: 4 } });
  expect((await get('/count?url=nothing')).code).toBe(400);
  expect((await get('/jobs/other')).code).toBe(404);
  expect(await worker.interrupt()).toBe(0);
  expect(await service.interrupt()).toBe(0);
});

it('all pages: 199 results, and one page that fails alone', async () => {
  const program = new Program('word-count-service/all-pages.ts');
  expect(await program.ended(), program.stderr).toBe(0);
  expect(program.lines[0]).toBe(`199 pages have ${(199 * 200) / 2} words`);
  expect(program.lines).toHaveLength(2);
  expect(program.lines[1]).toMatch(/^Error: http:\S+\/200 answers 404$/);
});
