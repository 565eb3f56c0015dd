import { beforeEach, expect, it } from 'vitest';
import { until } from '../support/facts.js';
import { redis } from '../support/queue.js';
import { forget, Program } from './program.js';

beforeEach(() => forget('primes'));

interface Reply {
  readonly code: number;
  readonly body: Record<string, unknown>;
}

/** A client of the service. */
class Service {
  constructor(private readonly url: string) {}

  post(body: unknown, headers: Record<string, string> = {}): Promise<Reply> {
    return this.#ask('/jobs', {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
      headers,
    });
  }

  remove(id: string): Promise<Reply> {
    return this.#ask(`/jobs/${id}`, { method: 'DELETE' });
  }

  get(id: string): Promise<Reply> {
    return this.#ask(`/jobs/${id}`);
  }

  async id(body: unknown): Promise<string> {
    return (await this.post(body)).body.id as string;
  }

  async becomes(id: string, status: string): Promise<Record<string, unknown>> {
    return (
      await until(
        () => this.get(id),
        ({ body }) => body.status === status,
      )
    ).body;
  }

  /** The answer, asked for again as long as the service says that the job takes longer. */
  answer(id: string): Promise<Reply> {
    return until(
      () => this.get(`${id}/answer`),
      ({ code }) => code !== 202,
    );
  }

  async #ask(where: string, init: RequestInit = {}): Promise<Reply> {
    const response = await fetch(this.url + where, init);
    return { code: response.status, body: (await response.json()) as Record<string, unknown> };
  }
}

async function serviceOf(program: Program): Promise<Service> {
  await program.prints('api on');
  return new Service(/api on (\S+)/.exec(program.stdout)![1]!);
}

const api = () => new Program('jobs-api/api.ts', [], { PORT: '0' });
const worker = () => new Program('jobs-api/worker.ts');
const endless = { from: 2, to: 1_000_000_000 };

it('a job is accepted, waits, is done and has an answer; an invalid job is refused with its violations', async () => {
  const program = api();
  const service = await serviceOf(program);

  const accepted = (await service.post({ from: 2, to: 100 })) as { code: number; body: { id: string; status: string } };
  const { id } = accepted.body;
  expect(id).toMatch(/^[0-9a-f-]{36}$/);
  expect(accepted).toEqual({ code: 202, body: { id, status: `/jobs/${id}` } });
  const hopeless = await service.id({ from: 9, to: 8 });
  expect(await service.get(hopeless)).toEqual({ code: 200, body: { status: 'waiting', attempts: 0 } });

  const refused = await service.post({ from: 2, to: -1, color: 'red' });
  expect(refused.code).toBe(400);
  expect(
    (refused.body.violations as { path: string; rule: string }[]).map(({ path, rule }) => `${path} ${rule}`),
  ).toEqual(['color unknownKey']);
  expect(await service.post({ from: 2, to: -1 })).toMatchObject({
    code: 400,
    body: { violations: [{ path: 'to', rule: 'min' }] },
  });
  expect((await service.post('{"from":')).code).toBe(400);
  expect((await service.get('never-put')).code).toBe(404);
  expect(await redis().llen('hotqueue:primes')).toBe(2);

  const mathematician = worker();
  expect(await service.answer(id)).toEqual({ code: 200, body: { primes: 25 } });
  expect(await service.get(id)).toEqual({ code: 200, body: { status: 'done', attempts: 1, answer: { primes: 25 } } });
  expect((await service.answer(hopeless)).code).toBe(410);
  expect(await service.get(hopeless)).toMatchObject({
    body: { status: 'failed', error: 'from 9 is greater than to 8' },
  });
  expect(await mathematician.interrupt()).toBe(0);
  expect(await program.interrupt()).toBe(0);
  expect(program.lines.at(-1)).toBe('api closed');
});

it('two requests with the same key put one job', async () => {
  const program = api();
  const service = await serviceOf(program);
  const twice = [
    await service.post({ from: 2, to: 10 }, { 'Idempotency-Key': 'order-1' }),
    await service.post({ from: 2, to: 10 }, { 'Idempotency-Key': 'order-1' }),
  ];
  expect(twice.map(({ code, body }) => [code, body.id])).toEqual([
    [202, 'order-1'],
    [202, 'order-1'],
  ]);
  expect((await service.post({ from: 2, to: 10 }, { 'Idempotency-Key': 'a/b' })).code).toBe(400);
  expect(await redis().llen('hotqueue:primes')).toBe(1);
});

it('a stopped worker releases its long job, and its short job is done', async () => {
  const service = await serviceOf(api());
  const long = await service.id(endless);
  const first = worker();
  expect(await service.becomes(long, 'running')).toMatchObject({ attempts: 1 });
  const short = await service.id({ from: 2, to: 1_000 });
  expect(await service.becomes(short, 'done')).toMatchObject({ answer: { primes: 168 } });

  expect(await first.interrupt('SIGTERM')).toBe(0);
  expect(await service.get(long)).toMatchObject({ code: 200, body: { status: 'waiting' } });

  worker();
  expect(await service.becomes(long, 'running')).toMatchObject({ attempts: 1 }); // the interrupted attempt is not counted
  expect(await service.get(`${long}/answer`)).toEqual({ code: 202, body: { status: 'running' } });
  expect(await service.remove(long)).toEqual({ code: 200, body: { status: 'cancelled' } });
  expect((await service.remove(short)).code).toBe(409);
  expect((await service.answer(long)).code).toBe(410);
});

it('start: API and worker run in one process, and both stop on SIGTERM', async () => {
  const program = new Program('jobs-api/start.ts', [], { PORT: '0' });
  const service = await serviceOf(program);
  expect(await service.becomes(await service.id({ from: 2, to: 1_000_000 }), 'done')).toMatchObject({
    answer: { primes: 78_498 },
  });
  expect(await program.interrupt('SIGTERM')).toBe(0);
  expect(program.lines).toEqual(expect.arrayContaining(['78498 primes from 2 to 1000000', 'api closed']));
});
