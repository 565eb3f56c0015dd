/** OpenTelemetry: which spans and metrics there are, and how they belong together. */
import { trace } from '@opentelemetry/api';
import { describe, expect, it } from 'vitest';
import { chain, group, start, type Delivery } from 'hotqueue';
import { Keys } from '../../src/redis/keys.js';
import { contextOf, instrument } from '../../src/otel/index.js';
import { aChild } from '../support/child.js';
import { aQueue, redis } from '../support/queue.js';
import { idOf, linksOf, parentOf, Sdk, traceOf } from './sdk.js';

describe('a message', () => {
  it('has a span of its put and a span of its handler, in traces of their own with a link', async () => {
    const sdk = new Sdk();
    const queue = aQueue();
    const seen: (string | undefined)[] = [];
    const runner = start(queue.worker(() => void seen.push(trace.getActiveSpan()?.spanContext().spanId)));
    const { result: job, span: program } = await sdk.inside(() => queue.put('a'));
    const [process] = await sdk.spans(`process ${queue.name}`);
    const [send] = await sdk.spans(`send ${queue.name}`);
    expect(parentOf(send!)).toBe(idOf(program));
    expect(traceOf(process!)).not.toBe(traceOf(send!));
    expect(parentOf(process!)).toBeUndefined();
    expect(linksOf(process!)).toEqual([idOf(send!)]);
    expect(seen).toEqual([idOf(process!)]);
    expect(send!.attributes).toMatchObject({
      'messaging.system.name': 'hotqueue',
      'messaging.destination.name': queue.name,
      'messaging.operation.type': 'send',
      'messaging.operation.name': 'send',
      'messaging.message.id': job.id,
      'server.address': expect.any(String) as string,
    });
    expect(process!.attributes).toMatchObject({
      'messaging.operation.type': 'process',
      'messaging.message.id': job.id,
      'hotqueue.attempt': 1,
    });
    expect([send!.kind, process!.kind]).toEqual([3, 4]); // producer, consumer
    await runner.stop();
    expect(sdk.names.filter((name) => name.startsWith('ack'))).toEqual([]);
  });

  it("with parent: 'child' has both in one trace", async () => {
    const sdk = new Sdk({ parent: 'child' });
    const queue = aQueue();
    const runner = start(
      queue.worker(async () => {
        await Promise.resolve();
        sdk.tracer.startSpan('inner').end();
      }),
    );
    await sdk.inside(() => queue.put('a'));
    const [process] = await sdk.spans(`process ${queue.name}`);
    const [send] = await sdk.spans(`send ${queue.name}`);
    expect(parentOf(process!)).toBe(idOf(send!));
    expect(traceOf(process!)).toBe(traceOf(send!));
    expect(linksOf(process!)).toEqual([]);
    expect(parentOf((await sdk.spans('inner'))[0]!)).toBe(idOf(process!));
    await runner.stop();
  });

  it.each(['throws at once', 'rejects', 'calls fail()'])(
    'whose handler %s has a span with the error for each attempt, and one for each settlement',
    async (how) => {
      const sdk = new Sdk();
      const queue = aQueue();
      const error = new TypeError('no address');
      const handlers: Record<string, (payload: unknown, job: Delivery) => unknown> = {
        'throws at once': () => {
          throw error;
        },
        rejects: () => Promise.reject(error),
        'calls fail()': (_, job) => job.fail(error),
      };
      const runner = start(queue.worker(handlers[how], { attempts: 2, backoff: 0 }));
      await queue.put('a');
      const processes = await sdk.spans(`process ${queue.name}`, 2);
      const [retry] = await sdk.spans(`retry ${queue.name}`);
      const [bury] = await sdk.spans(`bury ${queue.name}`);
      const [send] = await sdk.spans(`send ${queue.name}`);
      expect(processes.map(({ attributes }) => attributes['hotqueue.attempt'])).toEqual([1, 2]);
      expect(processes.map(linksOf)).toEqual([[idOf(send!)], [idOf(send!)]]);
      for (const { status, events, attributes } of processes) {
        expect(status).toEqual({ code: 2, message: 'no address' });
        expect(events[0]!.attributes).toMatchObject({
          'exception.type': 'TypeError',
          'exception.message': 'no address',
        });
        expect(attributes['error.type']).toBe('TypeError');
      }
      expect([retry!, bury!].map(parentOf)).toEqual(processes.map(idOf));
      expect(retry!.attributes).toMatchObject({
        'messaging.operation.type': 'settle',
        'messaging.operation.name': 'retry',
        'hotqueue.cause': 'TypeError',
      });
      await runner.stop();
    },
  );

  it("has a span of its acknowledgement with settle: 'all'", async () => {
    const sdk = new Sdk({ settle: 'all' });
    const [plain, tracked] = [aQueue(), aQueue({ track: true })];
    const runner = start([plain.worker(() => undefined), tracked.worker(() => 'result')]);
    for (const queue of [plain, tracked]) {
      await queue.put('a');
      const [ack] = await sdk.spans(`ack ${queue.name}`);
      expect(parentOf(ack!)).toBe(idOf((await sdk.spans(`process ${queue.name}`))[0]!));
      expect(ack!.status.code).toBe(0);
    }
    await runner.stop();
  });

  it('that was delayed, or revived from the dead letters, still has its link', async () => {
    const sdk = new Sdk();
    const queue = aQueue();
    let isBroken = true;
    const runner = start(
      queue.worker(
        () => {
          if (isBroken) throw new Error('no');
        },
        { attempts: 1 },
      ),
    );
    await queue.with({ delay: 50 }).put('a');
    await sdk.spans(`bury ${queue.name}`);
    isBroken = false;
    expect(await queue.dead.reviveAll()).toBe(1);
    const processes = await sdk.spans(`process ${queue.name}`, 2);
    const [send] = await sdk.spans(`send ${queue.name}`);
    expect(processes.map(linksOf)).toEqual([[idOf(send!)], [idOf(send!)]]);
    await runner.stop();
  });

  it('of a plain queue carries nothing, and has spans', async () => {
    const sdk = new Sdk();
    const queue = aQueue({ wire: 'plain' });
    await queue.put('a');
    expect(await redis().lrange(new Keys(queue.name).base, 0, -1)).toEqual(['"a"']);
    const runner = start(queue.worker(() => undefined));
    const [process] = await sdk.spans(`process ${queue.name}`);
    expect(process!.links).toEqual([]);
    await runner.stop();
  });

  it('that is put by another process has its link', async () => {
    const sdk = new Sdk({ parent: 'child' });
    const queue = aQueue();
    const child = aChild(`
      import { context } from '@opentelemetry/api';
      import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
      import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
      import { HotQueue } from 'hotqueue';
      import { instrument } from 'hotqueue/otel';
      context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
      const tracerProvider = new BasicTracerProvider();
      instrument({ tracerProvider });
      await tracerProvider.getTracer('child').startActiveSpan('request', async (span) => {
        const queue = new HotQueue('${queue.name}');
        await queue.put('a');
        await queue.close();
        console.log(span.spanContext().traceId);
      });
    `);
    const runner = start(queue.worker(() => undefined));
    const [process] = await sdk.spans(`process ${queue.name}`);
    expect(await child.ended, child.stderr).toBe(0);
    expect(traceOf(process!)).toBe(child.lines[0]);
    await runner.stop();
  });
});

describe('messages that are put because of others', () => {
  it('a put, and a follow-up, inside a handler are children of its span', async () => {
    const sdk = new Sdk();
    const [first, second, third] = [aQueue(), aQueue(), aQueue()];
    const runner = start([
      first.worker(async (_, job) => {
        await second.put('put');
        await job.next(third, 'next');
      }),
      second.worker(() => undefined),
      third.worker(() => undefined),
    ]);
    await first.put('a');
    const [process] = await sdk.spans(`process ${first.name}`);
    for (const queue of [second, third]) {
      const [send] = await sdk.spans(`send ${queue.name}`);
      expect(parentOf(send!)).toBe(idOf(process!));
      expect(linksOf((await sdk.spans(`process ${queue.name}`))[0]!)).toEqual([idOf(send!)]);
    }
    await runner.stop();
  });

  it('every job of a chain and of a group has a link to its own put, in the trace of the program', async () => {
    const sdk = new Sdk();
    const queue = aQueue({ track: true });
    const runner = start(queue.worker(() => 1, { concurrency: 4 }));
    const { span: program } = await sdk.inside(async () => {
      await (await chain(queue.task('a'), queue.task())).result();
      await (await group([queue.task('b'), queue.task('c')], { then: queue.task() })).result();
    });
    const processes = await sdk.spans(`process ${queue.name}`, 5);
    const sends = await sdk.spans(`send ${queue.name}`, 5);
    expect(sends.map(traceOf)).toEqual(Array(5).fill(traceOf(program)));
    expect(processes.flatMap(linksOf).sort()).toEqual(sends.map(idOf).sort());
    await runner.stop();
  });

  it('the runs of a schedule have a link to the call of set; another trace alone does not change the schedule', async () => {
    const sdk = new Sdk({ parent: 'child' });
    const queue = aQueue();
    const set = () => sdk.inside(() => queue.schedules.set('pulse', { every: '100ms', payload: 1, limit: 2 }));
    await set();
    const keys = new Keys(queue.name);
    const stored = await redis().hgetall(keys.schedule('pulse'));
    await set();
    expect(await redis().hgetall(keys.schedule('pulse'))).toEqual(stored);
    const runner = start(queue.worker(() => undefined));
    const processes = await sdk.spans(`process ${queue.name}`, 2);
    const [create] = await sdk.spans(`create ${queue.name}`);
    expect(processes.map(linksOf)).toEqual([[idOf(create!)], [idOf(create!)]]);
    expect(processes.map(parentOf)).toEqual([undefined, undefined]); // each run is a trace of its own
    expect(processes[0]!.attributes['hotqueue.schedule']).toBe('pulse');
    await runner.stop();
  });

  it('a batch has one span with a link for each message, and an event for each that failed', async () => {
    const sdk = new Sdk({ parent: 'child' });
    const queue = aQueue();
    await queue.put('a');
    await queue.put('b', 'c');
    const runner = start(queue.worker((_, jobs) => jobs[1]!.fail(new RangeError('no')), { batch: 3, attempts: 1 }));
    const [process] = await sdk.spans(`process ${queue.name}`);
    const [one, two] = await sdk.spans(`send ${queue.name}`, 2);
    expect(linksOf(process!)).toEqual([idOf(one!), idOf(two!), idOf(two!)]);
    expect([process!, two!].map(({ attributes }) => attributes['messaging.batch.message_count'])).toEqual([3, 2]);
    expect(process!.events.map(({ name, attributes }) => [name, attributes?.['error.type']])).toEqual([
      ['message failed', 'RangeError'],
    ]);
    await runner.stop();
  });
});

it('metrics count messages and measure operations, by queue', async () => {
  const sdk = new Sdk();
  const queue = aQueue();
  const runner = start(
    queue.worker(
      (payload) => {
        if (payload === 'no') throw new RangeError('no');
      },
      { attempts: 1 },
    ),
  );
  await queue.put('a', 'b');
  await queue.put('no');
  await runner.drained();
  await runner.stop();
  const ours = async (name: string) =>
    (await sdk.metric(name))
      .filter(({ attributes }) => attributes['messaging.destination.name'] === queue.name)
      .map(({ attributes, value }) => [attributes['messaging.operation.name'], attributes['error.type'], value]);
  expect(await ours('messaging.client.sent.messages')).toEqual([['send', undefined, 3]]);
  expect(await ours('messaging.client.consumed.messages')).toEqual([
    ['process', undefined, 2],
    ['process', 'RangeError', 1],
  ]);
  expect(await ours('messaging.process.duration')).toEqual([
    ['process', undefined, 2],
    ['process', 'RangeError', 1],
  ]);
  expect((await ours('messaging.client.operation.duration')).sort()).toEqual([
    ['ack', undefined, 2],
    ['bury', undefined, 1],
    ['send', undefined, 2],
  ]);
});

it('contextOf gives the context of the put to a loop over deliveries', async () => {
  const sdk = new Sdk();
  const queue = aQueue();
  await queue.put('a');
  const [send] = await sdk.spans(`send ${queue.name}`);
  for await (const job of queue.deliveries({ limit: 1 })) {
    expect(trace.getSpanContext(contextOf(job))).toMatchObject({
      spanId: idOf(send!),
      traceId: traceOf(send!),
      isRemote: true,
    });
    expect(job.trace!.traceparent).toBe(`00-${traceOf(send!)}-${idOf(send!)}-01`);
  }
  expect(trace.getSpanContext(contextOf({ trace: undefined }))).toBeUndefined();
});

it('after stop() there are no spans, and messages carry nothing', async () => {
  const { stop } = instrument();
  stop();
  const queue = aQueue();
  await queue.put('a');
  expect((await redis().lindex(new Keys(queue.name).base, 0))!.split('\n')[0]).toMatch(/^#\S{36} 0 0$/);
});

it.each([{ parent: 'sibling' }, { settle: 'none' }])('refuses the options %j', (options) => {
  expect(() => instrument(options as never)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
});

it('a put that fails has a span with the error', async () => {
  const sdk = new Sdk();
  const queue = aQueue();
  await expect(queue.put(1n)).rejects.toMatchObject({ code: 'NOT_SERIALIZABLE' });
  const [send] = await sdk.spans(`send ${queue.name}`);
  expect(send!.status.code).toBe(2);
  expect(send!.attributes['error.type']).toBe('NOT_SERIALIZABLE');
});
