import { expect, it } from 'vitest';
import { z } from 'zod';
import { aBroker, aName, aQueue, redis } from '../support/queue.js';
import { aWorker, endLease } from '../support/takes.js';
import { aFile, WorkerRun } from './worker-run.js';

/** Source of workers that append `<name> <payload>` to a list in Redis for each message. */
const workersOn = (first: string, second: string, third = aName()) => `
  import { HotQueue } from 'hotqueue';
  import { Redis } from 'ioredis';
  const redis = new Redis(process.env.REDIS_URL!);
  const note = (who: string) => (item: unknown) => redis.rpush('${first}:seen', who + ' ' + JSON.stringify(item));
  const [a, b, c] = ['${first}', '${second}', '${third}'].map((name) => new HotQueue(name)) as [HotQueue, HotQueue, HotQueue];
  export class Studio {
    @a.worker() async resize(item: string) { await note('Studio')(item); }
    async [Symbol.asyncDispose]() { await redis.rpush('${first}:seen', 'disposed'); }
  }
  export class Fields { crop = b.worker(note('Fields')); }
  export class Asking { constructor(readonly redis: Redis) {} @c.worker() async ask(item: string) { await note('Asking')(item); } }
  export const asking = new Asking(redis);
  export const mail = b.worker(async function mail(item) { await note('mail')(item); });
  export const nothing = { a, b };
`;
const seen = (queue: string): Promise<string[]> => redis().lrange(`${queue}:seen`, 0, -1);

const entry = {
  time: z.iso.datetime(),
  level: z.enum(['info', 'warn', 'error']),
  pid: z.int(),
  process: z.literal('painter'),
};
const attempt = {
  ...entry,
  queue: z.string(),
  id: z.string(),
  attempt: z.int(),
  worker: z.uuid(),
  tookMs: z.int(),
  waitedMs: z.int(),
};
const line = z.discriminatedUnion('event', [
  z.strictObject({
    ...entry,
    event: z.literal('start'),
    handlers: z.array(z.strictObject({ name: z.string(), queue: z.string(), concurrency: z.int() })),
  }),
  z.strictObject({ ...attempt, event: z.literal('ack') }),
  z.strictObject({
    ...attempt,
    event: z.literal('retry'),
    delayMs: z.int(),
    error: z.strictObject({ name: z.string(), message: z.string(), stack: z.string() }),
  }),
  z.strictObject({
    ...attempt,
    event: z.literal('bury'),
    reason: z.string(),
    error: z.strictObject({ name: z.string(), message: z.string(), stack: z.string() }),
  }),
  z.strictObject({ ...entry, event: z.literal('stop'), reason: z.string() }),
  z.strictObject({ ...entry, event: z.literal('end'), reason: z.string() }),
]);

it('starts the exported classes, instances and functions once each; --queue sets the order; --burst ends when no message waits', async () => {
  const [a, b, c] = [aQueue(), aQueue(), aQueue()];
  const file = aFile(workersOn(a.name, b.name, c.name));
  await a.put('a1', 'a2');
  await b.put('b1', 'b2');
  await c.put('c1');
  const all = new WorkerRun([
    file,
    '--burst',
    '--queue',
    [b, c, a].map(({ name }) => name).join(','),
    '--concurrency',
    '1',
    '--name',
    'painter',
    '--json',
  ]);
  expect(await all.ended, all.stderr).toBe(0);
  const [start] = all.lines.map((one) => line.parse(one));
  expect(start).toMatchObject({
    event: 'start',
    handlers: [
      { name: 'mail', queue: b.name },
      { name: 'Asking.ask', queue: c.name },
      { name: 'Studio.resize', queue: a.name, concurrency: 1 },
    ],
  });
  expect(all.of('ack').map(({ queue }) => queue)).toEqual([b.name, b.name, c.name, a.name, a.name]);
  expect(await seen(a.name)).toEqual([
    'mail "b1"',
    'mail "b2"',
    'Asking "c1"',
    'Studio "a1"',
    'Studio "a2"',
    'disposed',
  ]);
  expect(all.of('end')).toMatchObject([{ reason: 'burst' }]);
  expect(all.stdout).not.toContain('"a1"');
});

it('--class selects a class, also one with workers as properties', async () => {
  const [a, b] = [aQueue(), aQueue()];
  const file = aFile(workersOn(a.name, b.name));
  await b.put('b1');
  const one = new WorkerRun([file, '--class', 'Fields', '--burst', '--json']);
  expect(await one.ended, one.stderr).toBe(0);
  expect(await seen(a.name)).toEqual(['Fields "b1"']);
});

it('logs each failure once with its error, as JSON and as text', async () => {
  const queue = aQueue();
  const file = aFile(`
    import { HotQueue } from 'hotqueue';
    const queue = new HotQueue('${queue.name}', { attempts: 2, backoff: 10 });
    export const fail = queue.worker((item) => { throw new TypeError('no \\u001b[31m' + typeof item); });`);
  await queue.with({ attempts: 2, backoff: 10 }).put('secret');
  const json = new WorkerRun([file, '--max-jobs', '2', '--name', 'painter', '--json']);
  expect(await json.ended, json.stderr).toBe(0);
  expect(json.lines.map((one) => line.parse(one)).map(({ event }) => event)).toEqual([
    'start',
    'retry',
    'stop',
    'bury',
    'end',
  ]);
  expect(json.of('bury')).toMatchObject([
    { level: 'error', attempt: 2, reason: 'failed 2 of 2 attempts', error: { name: 'TypeError' } },
  ]);
  await queue.put('secret');
  const pretty = new WorkerRun([file, '--max-jobs', '1', '--log', 'pretty']);
  expect(await pretty.ended).toBe(0);
  expect(pretty.stdout).toMatch(
    /retry {4}\S+ {2}\S+ {2}attempt 1 {2}\d+ ms {2}(?:waited \d+ ms {2})?retry in \d+ ms {2}TypeError: no \\x1b\[31mstring\n/,
  );
  for (const run of [json, pretty]) expect(run.stdout + run.stderr).not.toContain('secret');
  expect(pretty.stderr).toBe('');
});

it('logs each event of a queue once, also the recovery of a dead worker, and nothing on stderr', async () => {
  const [queue, own] = [aQueue({ lease: 1_000 }), aName()];
  const file = aFile(`
    import { HotQueue } from 'hotqueue';
    const queue = new HotQueue('${queue.name}', { lease: 1_000 });
    export const work = queue.worker(async function work(item, delivery) {
      if (item === 'ack') {
        await delivery.ack();
        throw new RangeError('too late');
      }
      if (item === 'pause') await queue.pause({ for: 1 });
      if (item === 'slip') throw new Error('slip');
    }, { retryIf: (error) => (String(error).includes('slip') ? 'perhaps' as never : true), backoff: '1h' });
    const own = new HotQueue('${own}', { logger: { debug() {}, info() {}, warn: () => console.log('own'), error() {} } });
    export const other = own.worker(() => { throw new Error('no'); }, { backoff: '1h' });`);
  const broker = aBroker(queue.name);
  await queue.put('held');
  await aWorker(broker, 'dead');
  await broker.take('dead', 1, 1, { withinMs: 10_000 });
  await endLease(broker, 'dead');
  const run = new WorkerRun([file, '--log', 'json']);
  const [recovered] = await run.logs('recover');
  expect(recovered).toMatchObject({
    level: 'warn',
    queue: queue.name,
    worker: 'dead',
    waiting: 1,
    quarantined: 0,
    buried: 0,
  });
  await run.logs('ack');
  await queue.put('ack', 'slip', 'pause');
  await aQueue({ name: own }).put('x');
  await run.logs('retry', 2);
  await run.logs('ack', 3);
  run.signal('SIGTERM');
  expect(await run.ended, run.stderr).toBe(0);
  expect(run.stderr).toBe('');
  expect(run.of('pause')).toMatchObject([{ level: 'info', queue: queue.name, forMs: 1 }]);
  expect(run.of('warning')).toMatchObject([
    {
      level: 'warn',
      queue: queue.name,
      attempt: 1,
      settledBy: 'ack',
      error: { name: 'RangeError', message: 'too late' },
      message: expect.stringContaining('was settled by ack(), then its handler threw: RangeError: too late') as string,
    },
    { queue: queue.name, handler: 'work', option: 'retryIf', attempt: 1 },
  ]);
  expect(
    Object.fromEntries(['recover', 'ack', 'retry', 'pause'].map((event) => [event, run.of(event).length])),
  ).toEqual({
    recover: 1,
    ack: 3,
    retry: 2,
    pause: 1,
  });
  expect(run.stdout.split('\n').filter((text) => !text.startsWith('{'))).toEqual(['own', '']);
});

it('logs what a queue without a handler warns of: while the file is loaded, and later', async () => {
  const [queue, other] = [aQueue(), aQueue()];
  const file = aFile(`
    import { HotQueue } from 'hotqueue';
    const other = new HotQueue('${other.name}', { payload: Number });
    await other.get();
    export const work = new HotQueue('${queue.name}').worker(async () => void (await other.get()));`);
  await other.put('at load');
  const run = new WorkerRun([file, '--log', 'json', '--max-jobs', '1']);
  await run.logs('start');
  await other.put('later');
  await queue.put('go');
  expect(await run.ended, run.stderr).toBe(0);
  expect(run.stderr).toBe('');
  const buried = { level: 'error', queue: other.name, attempt: 1, reason: 'invalid payload' };
  expect(run.of('bury')).toMatchObject([buried, { ...buried, error: { name: 'InvalidPayloadError' } }]);
});

it('--max-jobs starts at most this number of messages', async () => {
  const queue = aQueue();
  const file = aFile(`
    import { HotQueue } from 'hotqueue';
    export const work = new HotQueue('${queue.name}').worker(async () => {}, { concurrency: 10 });`);
  await queue.put(...Array.from({ length: 20 }, (_, index) => index));
  const run = new WorkerRun([file, '--max-jobs', '6', '--json']);
  expect(await run.ended, run.stderr).toBe(0);
  expect(run.of('ack')).toHaveLength(6);
  expect(await queue.counts()).toMatchObject({ waiting: 14, active: 0, done: 6 });
  expect(
    (await queue.peek(14)).map(({ payload }) => payload).sort((one, other) => Number(one) - Number(other)),
  ).toEqual(Array.from({ length: 14 }, (_, index) => index + 6));
});

it('--max-idle and --max-memory end it, without active messages', async () => {
  const queue = aQueue();
  const file = aFile(`
    import { HotQueue } from 'hotqueue';
    const held: Buffer[] = [];
    export const grow = new HotQueue('${queue.name}').worker(async () => { held.push(Buffer.alloc(400 << 20, 1)); });`);
  await queue.put(1);
  const idle = new WorkerRun([file, '--max-idle', '300ms', '--json']);
  expect(await idle.ended, idle.stderr).toBe(0);
  expect(idle.of('end')).toMatchObject([{ reason: 'max-idle' }]);
  await queue.put(1, 2, 3);
  const fat = new WorkerRun([file, '--max-memory', '350mb', '--concurrency', '1', '--json']);
  expect(await fat.ended, fat.stderr).toBe(0);
  expect(fat.of('end')).toMatchObject([{ reason: 'max-memory' }]);
  const { waiting, active } = await queue.counts();
  expect({ active, books: fat.of('ack').length + waiting }).toEqual({ active: 0, books: 3 });
});

it('runs the workers that a file passes to run(), which resolves when they end', async () => {
  const queue = aQueue();
  const file = aFile(`
    import { HotQueue, run } from 'hotqueue';
    const queue = new HotQueue('${queue.name}');
    await run(queue.worker((item) => console.log('got', item)), { shutdownTimeout: '5s' });
    console.log('afterwards');`);
  const run = new WorkerRun([file, '--json']);
  await run.logs('start');
  await queue.put('x');
  await run.logs('ack');
  run.signal('SIGTERM');
  expect(await run.ended, run.stderr).toBe(0);
  expect(run.stdout.split('\n').filter((text) => !text.startsWith('{'))).toEqual(['got x', 'afterwards', '']);
});

const forever = (queue: string) => `
  import { HotQueue } from 'hotqueue';
  export const stuck = new HotQueue('${queue}', { logger: false }).worker(async () => { console.log('{"event":"begun"}'); await new Promise((resolve) => setTimeout(resolve, 600_000)); });`;

it('exits with 0 at its shutdown timeout, with 1 on a second signal, and releases active messages', async () => {
  const queue = aQueue();
  const file = aFile(forever(queue.name));
  await queue.put('long');
  const late = new WorkerRun([file, '--shutdown-timeout', '200ms', '--json']);
  await late.logs('begun');
  late.signal('SIGTERM');
  expect(await late.ended, late.stderr).toBe(0);
  expect(await queue.counts()).toMatchObject({ waiting: 1, active: 0, workers: 0 });

  const forced = new WorkerRun([file, '--json']);
  await forced.logs('begun');
  forced.signal('SIGINT');
  await forced.logs('stop', 1); // two signals at the same time would arrive as one
  forced.signal('SIGINT');
  expect(await forced.ended, forced.stderr).toBe(1);
  expect(await queue.counts()).toMatchObject({ waiting: 1, active: 0, workers: 0 });
});
