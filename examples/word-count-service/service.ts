/**
 * The same as an HTTP service. A request that waits longer than 5 s for its result is answered with 202:
 *
 *     node --import @oxc-node/core/register examples/word-count-service/service.ts
 *
 *     curl -i 'localhost:3000/count?url=https://example.com'     200 and the words; 202 and the id, if it takes longer
 *     curl -i localhost:3000/jobs/<id>                           200 and the words; 202 and the status
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { Hono, type Context } from 'hono';
import { InvalidPayloadError, JobFailedError, ResultGoneError, ResultTimeoutError, type JobHandle } from 'hotqueue';
import { type CountWords, pages, type WordCount } from './counts.js';

const service = new Hono();

service.get('/count', async (request) => {
  const url = request.req.query('url') ?? '';
  const job = await pages.with({ unique: url.slice(0, 256) || 'none' }).put({ url }); // one job for a page at a time
  return answer(request, job, '5s');
});

service.get('/jobs/:id', (request) => answer(request, pages.job(request.req.param('id')), 0));

async function answer(request: Context, job: JobHandle<CountWords, WordCount>, timeout: '5s' | 0): Promise<Response> {
  try {
    const { words } = await job.result({ timeout });
    return request.json({ id: job.id, words });
  } catch (error) {
    if (error instanceof ResultTimeoutError) return request.json({ id: job.id, status: error.status }, 202);
    if (error instanceof ResultGoneError) return request.json({ error: 'unknown job' }, 404);
    if (error instanceof JobFailedError)
      return request.json({ id: job.id, error: (error.cause as Error).message }, 502);
    throw error;
  }
}

service.onError((error, request) => {
  if (error instanceof InvalidPayloadError) return request.json({ violations: error.violations }, 400);
  console.error(error.message);
  return request.json({ error: 'internal error' }, 500);
});

const server = serve({ fetch: service.fetch, hostname: '127.0.0.1', port: Number(process.env.PORT ?? 3000) });
if (!server.listening) await once(server, 'listening');
console.log(`service on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => server.close(() => void pages.close()));
