/** The channels of node:diagnostics_channel, for tools that do not use OpenTelemetry. */
import { tracingChannel } from 'node:diagnostics_channel';
import { describe, expect, it, onTestFinished } from 'vitest';
import { chain, start, type OperationTrace, type ProcessTrace, type PutTrace, type SettleTrace } from 'hotqueue';
import { Keys } from '../../src/redis/keys.js';
import { open } from '../../src/wire/envelope.js';
import { until } from '../support/facts.js';
import { aBroker, aQueue, redis } from '../support/queue.js';
import { endLease, recovered } from '../support/takes.js';

type Channel = 'put' | 'process' | 'settle';
const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

/** Subscribes to a channel until the test ends. `see` gets the name of each event of a queue. */
function subscribe<T extends OperationTrace>(
  channel: Channel,
  queue: { readonly name: string },
  see: (event: string, trace: T) => void,
): void {
  const events = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'] as const;
  const subscribers = Object.fromEntries(
    events.map((event) => [event, (trace: T) => trace.queue === queue.name && see(event, trace)]),
  );
  const tracing = tracingChannel(`hotqueue:${channel}`);
  tracing.subscribe(subscribers as never);
  onTestFinished(() => void tracing.unsubscribe(subscribers as never));
}

function eventsOf(channel: Channel, queue: { readonly name: string }): string[] {
  const seen: string[] = [];
  subscribe(channel, queue, (event) => seen.push(event));
  return seen;
}

describe('the events of a channel', () => {
  it('of a put and of a handler that ends well', async () => {
    const queue = aQueue();
    const puts = eventsOf('put', queue);
    const processes = eventsOf('process', queue);
    const settlements: string[] = [];
    subscribe<SettleTrace>('settle', queue, (event, { verb, message }) =>
      settlements.push(`${event} ${verb} ${message.id}`),
    );
    const runner = start(queue.worker(() => 1));
    const { id } = await queue.put('a');
    expect(puts).toEqual(['start', 'end', 'asyncStart', 'asyncEnd']);
    await until(() => settlements.length === 4);
    expect(settlements).toEqual(['start', 'end', 'asyncStart', 'asyncEnd'].map((event) => `${event} ack ${id}`));
    expect(processes).toEqual(['start', 'end', 'asyncStart', 'asyncEnd']);
    await runner.stop();
  });

  it('of each step of a flow, which end when the flow is stored, or refused', async () => {
    const queue = aQueue();
    const puts = eventsOf('put', queue);
    await chain(queue.task(1), queue.task());
    expect(puts.toSorted()).toEqual([
      'asyncEnd',
      'asyncEnd',
      'asyncStart',
      'asyncStart',
      'end',
      'end',
      'start',
      'start',
    ]);
    await expect(chain(queue.task(1), queue.task(5n))).rejects.toMatchObject({ code: 'NOT_SERIALIZABLE' });
    expect(puts.filter((event) => event === 'start')).toHaveLength(4);
    expect(puts.filter((event) => event === 'error')).toHaveLength(2);
    expect(puts.filter((event) => event === 'asyncEnd')).toHaveLength(4);
  });

  it('of a handler that rejects, and of the settlements, with the error', async () => {
    const queue = aQueue();
    const error = new Error('no');
    const seen: unknown[] = [];
    subscribe<ProcessTrace>('process', queue, (event, trace) => event === 'error' && seen.push(trace.error));
    subscribe<SettleTrace>(
      'settle',
      queue,
      (event, trace) => event === 'asyncEnd' && seen.push([trace.verb, trace.cause]),
    );
    const runner = start(queue.worker(() => Promise.reject(error), { attempts: 2, backoff: 0 }));
    await queue.put('a');
    await until(() => seen.length === 4);
    expect(seen).toEqual([error, ['retry', error], error, ['bury', error]]);
    await runner.stop();
  });

  it('of an acknowledgement whose lease was lost, with the error', async () => {
    const queue = aQueue();
    const seen: unknown[] = [];
    subscribe<SettleTrace>('settle', queue, (event, trace) => event === 'error' && seen.push(trace.error));
    const runner = start(
      queue.worker(async (_, job) => {
        if (seen.length > 0) return;
        const broker = aBroker(queue.name);
        await endLease(broker, (job as unknown as { worker: string }).worker);
        await recovered(broker);
      }),
    );
    await queue.put('a');
    await until(() => seen.length > 0);
    expect(seen[0]).toMatchObject({ code: 'LEASE_LOST' });
    await runner.stop();
  });
});

describe('the trace context that a subscriber sets', () => {
  const carrying = (queue: { readonly name: string }, carrier: PutTrace['carrier']): void =>
    subscribe<PutTrace>('put', queue, (event, trace) => event === 'start' && Object.assign(trace.carrier, carrier));

  it.each<[string, PutTrace['carrier'], PutTrace['carrier'] | undefined]>([
    ['travels with the message', { traceparent }, { traceparent }],
    ['has a tracestate', { traceparent, tracestate: 'ot=th:8,x=1' }, { traceparent, tracestate: 'ot=th:8,x=1' }],
    ['is left out if it is malformed', { traceparent: '00-abc-1-01' }, undefined],
    ['is left out if it would break the header', { traceparent: `${traceparent} x=1` }, undefined],
    ['has no tracestate with a space', { traceparent, tracestate: 'a=1, b=2' }, { traceparent }],
    ['has no tracestate with a line break', { traceparent, tracestate: 'a=1\n' }, { traceparent }],
    [
      'has no tracestate of more than 80 characters',
      { traceparent, tracestate: `a=${'x'.repeat(79)}` },
      { traceparent },
    ],
    ['is left out without a traceparent', { tracestate: 'a=1' }, undefined],
  ])('%s', async (_, carrier, expected) => {
    const queue = aQueue();
    carrying(queue, carrier);
    const { id } = await queue.put('a');
    for await (const delivery of queue.deliveries({ limit: 1 })) {
      expect(delivery).toMatchObject({ id, payload: 'a' });
      expect(delivery.trace).toEqual(expected);
    }
  });

  it('leaves the header readable, also with the longest id and all options, and through retries', async () => {
    const queue = aQueue();
    carrying(queue, { traceparent, tracestate: 't'.repeat(80) });
    const id = 'i'.repeat(64);
    const options = { id, attempts: 100_000, backoff: 0, timeout: '20d', ttl: '99d', delay: 1, track: true } as const;
    const traces: unknown[] = [];
    const runner = start(
      queue.worker((_, job) => {
        traces.push(job.trace);
        expect(job.id).toBe(id);
        if (job.attempt < 3) throw new Error('x'.repeat(10_000));
      }),
    );
    await queue.with(options).put('a');
    await until(() => traces.length === 3);
    await runner.stop();
    expect(new Set(traces.map((trace) => JSON.stringify(trace))).size).toBe(1);
  });
});

it('a foreign message with a malformed trace context has none', async () => {
  const queue = aQueue();
  await redis().rpush(new Keys(queue.name).base, '#foreign 0 0 w=zz-1-2-3\n"a"', '#other 0 0 v=only\n"b"');
  for await (const job of queue.deliveries({ limit: 2 })) expect(job.trace).toBeUndefined();
});

it('without a subscriber a message is stored as before', async () => {
  const queue = aQueue();
  const { id } = await queue.put('a');
  expect(await redis().lindex(new Keys(queue.name).base, 0)).toBe(`#${id} 0 0\n"a"`);
});

it('two subscribers may both put something around an operation', async () => {
  const queue = aQueue();
  const order: string[] = [];
  for (const name of ['first', 'second'])
    subscribe<ProcessTrace>('process', queue, (event, trace) => {
      if (event !== 'start') return;
      const { around = (work) => work() } = trace;
      trace.around = (work) => {
        order.push(name);
        return around(work);
      };
    });
  const runner = start(queue.worker(() => void order.push('handler')));
  await queue.put('a');
  await until(() => order.includes('handler'));
  expect(order).toEqual(['second', 'first', 'handler']);
  await runner.stop();
});

it('every message of a bulk put carries the context', async () => {
  const queue = aQueue();
  subscribe<PutTrace>(
    'put',
    queue,
    (event, trace) => event === 'start' && Object.assign(trace.carrier, { traceparent }),
  );
  await queue.putAll(Array.from({ length: 1_500 }, (_, n) => n));
  const stored = await redis().lrange(new Keys(queue.name).base, 0, -1);
  expect(stored).toHaveLength(1_500);
  expect(stored.every((message) => open(message).header!.fields === ` w=${traceparent}`)).toBe(true);
});
