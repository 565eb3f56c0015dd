/**
 * The producer: an HTTP API that accepts jobs and reports their status. On Ctrl-C, it finishes the open requests.
 *
 *     node --import @oxc-node/core/register examples/jobs-api/api.ts
 *
 *     POST /jobs       202 and the job's id; 400 and the violations. A header "Idempotency-Key: order-1" sets the job's id:
 *                      a client without a response may send the request again, and there is only one job.
 *     GET /jobs/:id         200 and what is known of the job: its status, its progress, its answer or its error; 404
 *     GET /jobs/:id/answer  200 and the answer; waits for it for up to 5 s, then 202: ask again. 410 if the job failed or was cancelled
 *     DELETE /jobs/:id      cancels the job; 409 if it had ended before
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { HTTPException } from 'hono/http-exception';
import {
  HotQueueError,
  InvalidOptionError,
  InvalidPayloadError,
  JobCancelledError,
  JobFailedError,
  ResultGoneError,
  ResultTimeoutError,
} from 'hotqueue';
import { type CountPrimes, jobs } from './jobs.js';

const api = new Hono();

api.post('/jobs', bodyLimit({ maxSize: 10_000 }), async (request) => {
  const message = await request.req.json<CountPrimes>(); // put() validates it
  const key = request.req.header('Idempotency-Key');
  const { id } = await (key === undefined ? jobs : jobs.with({ id: key })).put(message); // Redis has stored it now
  return request.json({ id, status: `/jobs/${id}` }, 202);
});

const withId = '/jobs/:id{[A-Za-z0-9_.:-]{1,64}}';

api.get(withId, async (request) => {
  const record = await jobs.job(request.req.param('id')).fetch();
  if (!record) return request.json({ error: 'unknown job' }, 404);
  const { status, progress, result, error, attempts } = record;
  return request.json({ status, attempts, progress, answer: result, error: error?.message });
});

api.get(`${withId}/answer`, async (request) => {
  const job = jobs.job(request.req.param('id'));
  try {
    return request.json(await job.result({ timeout: '5s', signal: request.req.raw.signal }));
  } catch (error) {
    if (error instanceof ResultTimeoutError) return request.json({ status: error.status }, 202, { 'Retry-After': '5' });
    if (error instanceof ResultGoneError) return request.json({ error: 'unknown job' }, 404);
    if (error instanceof JobFailedError || error instanceof JobCancelledError)
      return request.json({ error: error.message }, 410);
    throw error;
  }
});

api.delete(withId, async (request) => {
  const job = jobs.job(request.req.param('id'));
  if (await job.cancel()) return request.json({ status: 'cancelled' });
  const status = await job.status();
  return status ? request.json({ status }, 409) : request.json({ error: 'unknown job' }, 404);
});

api.onError((error, request) => {
  if (error instanceof HTTPException) return error.getResponse();
  if (error instanceof InvalidPayloadError)
    return request.json({ error: 'not a job', violations: error.violations }, 400);
  if (error instanceof InvalidOptionError || error instanceof SyntaxError)
    return request.json({ error: error.message }, 400);
  console.error(error.message);
  // Redis is down or full, which is not an error of the client. After OUTCOME_UNKNOWN, a client with an Idempotency-Key may send the
  // request again.
  if (error instanceof HotQueueError) return request.json({ error: error.code }, 503);
  return request.json({ error: 'internal error' }, 500);
});

const server = serve({ fetch: api.fetch, hostname: '127.0.0.1', port: Number(process.env.PORT ?? 3000) });
if (!server.listening) await once(server, 'listening');
console.log(`api on http://127.0.0.1:${(server.address() as AddressInfo).port}`);

// Accepts no more requests, and answers the open ones. Then the process ends by itself: an idle queue does not keep it alive.
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => server.close(() => console.log('api closed')));
