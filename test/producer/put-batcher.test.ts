import { EventEmitter } from 'node:events';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { RedisUnreachableError } from '../../src/core/errors.js';
import type { Due, PutBatch, PutLane } from '../../src/redis/transitions.js';
import { PutBatcher } from '../../src/producer/put-batcher.js';
import { PutRequest } from '../../src/producer/put-request.js';
import type { QueueContext } from '../../src/redis/queue-context.js';
import { latch } from '../support/facts.js';
import { FaultyBroker, lateReply, type Fault } from '../support/faulty-broker.js';
import { aBroker, redis } from '../support/queue.js';

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

interface Call {
  readonly messages: readonly string[];
  readonly lane?: PutLane;
  readonly due?: Due;
  readonly uniqueForMs?: number;
}

const call = (...messages: string[]): Call => ({ messages });
const makeJob: QueueContext['makeJob'] = (fields, _, isDuplicate) =>
  Object.assign({ ...fields }, isDuplicate === undefined ? {} : { isDuplicate });
const context = { name: 'q', events: new EventEmitter(), makeJob } as unknown as QueueContext;
const patience = { withinMs: 5_000 };

/** The request of a call; ids are the messages themselves. */
function requestOf(
  { messages, lane = 'b', due, uniqueForMs }: Call,
  resolve: () => void,
  reject: (error: unknown) => void,
): PutRequest {
  const jobs = messages.map((id) => ({ id, queue: 'q', payload: id, putAt: 0 }));
  return new PutRequest({ context, lane, uniqueForMs, hasTtl: false }, jobs, messages, due, resolve, reject);
}

/** The put batcher with promises instead of callbacks, on a real queue. */
class Producer {
  readonly faulty = new FaultyBroker(aBroker());
  readonly #batcher: PutBatcher;

  constructor(...others: [limit?: ConstructorParameters<typeof PutBatcher>[2], onDelayed?: (hints: object) => void]) {
    this.#batcher = new PutBatcher('q', this.faulty.broker, ...others);
  }

  put(one: Call): Promise<void> {
    return new Promise((resolve, reject) => this.#batcher.put(requestOf(one, resolve, reject)));
  }

  /** The batches so far, as they were sent. */
  get sent(): { number: number; messages: string; terms: Pick<PutBatch, 'own' | 'limit'> }[] {
    return this.faulty.calls.flatMap(({ verb, args }) => {
      if (verb !== 'put') return [];
      const { number, own, limit, ...batch } = args[0] as PutBatch;
      const texts = batch.delayed ? batch.delayed.map(({ message }) => message) : batch.messages;
      return [{ number, messages: texts.join(''), terms: { ...(own && { own }), ...(limit && { limit }) } }];
    });
  }

  /** What waits in Redis, in order. */
  waiting(): Promise<string[]> {
    return this.faulty.real.reader.peek(2_000, patience);
  }

  /** Workers drain the queue before Redis gets the call. */
  readonly afterDrain: Fault = async (send) => {
    await redis().del(this.faulty.real.keys.base);
    return send();
  };
}

const unchanged: Fault = (send) => send();

describe('a put batcher', () => {
  it('batches consecutive puts with the same options, and keeps the order of all puts', async () => {
    const due = vi.fn();
    const producer = new Producer(undefined, due);
    const high = { lane: 'h' as const };
    const delayed = { due: { afterMs: 3_600_000 } };
    const own = { uniqueForMs: 60_000 };
    await Promise.all([
      producer.put(call('1', '2')),
      producer.put(call('3')),
      producer.put({ ...call('4'), ...high }),
      producer.put({ ...call('5'), ...high }),
      producer.put({ ...call('6'), ...delayed }),
      producer.put({ ...call('7'), ...delayed, ...high }),
      producer.put({ ...call('8'), ...own }),
      producer.put({ ...call('9') }),
    ]);
    expect(producer.sent.map(({ messages }) => messages)).toEqual(['123', '45', '67', '8', '9']);
    expect(producer.sent.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5]);
    expect(producer.sent[3]!.terms).toEqual({ own: { ids: ['8'], forMs: 60_000 } });
    expect(due.mock.calls).toEqual([[expect.objectContaining({ nextDueMs: expect.any(Number) as number })]]);
    expect(await producer.waiting()).toEqual(['4', '5', '1', '2', '3', '8', '9']);
    expect(await producer.faulty.real.reader.count(patience)).toMatchObject({ waiting: 7, delayed: 2 });
  });

  it('sends the next batch before it resolves the puts of the last, and sends half batches if Redis replies fast', async () => {
    const told: number[] = [];
    const { broker, calls } = new FaultyBroker(aBroker());
    const batcher = new PutBatcher('q', broker);
    const sent = (): number => calls.filter(({ verb }) => verb === 'put').length;
    for (let n = 1; n <= 1_000; n++)
      batcher.put(
        requestOf(
          call(String(n)),
          () => void told.push(n, sent()),
          (error) => expect.fail(String(error)),
        ),
      );
    await batcher.drained();
    expect(
      calls.filter(({ verb }) => verb === 'put').map(({ args }) => (args[0] as { messages: string[] }).messages.length),
    ).toEqual([500, 500]);
    expect(told.slice(0, 2)).toEqual([1, 2]); // two batches were sent when the first put was resolved
    const order = Array.from({ length: 1_000 }, (_, index) => index + 1);
    expect(told.filter((_, index) => index % 2 === 0)).toEqual(order);
    expect(await broker.reader.peek(2_000, patience)).toEqual(order.map(String));
  });

  it('sends refused puts again with a new number, and only the first one until there is room', async () => {
    const producer = new Producer({ maxLength: 2, whenFull: 'wait' });
    await redis().rpush(producer.faulty.real.keys.base, 'x', 'y');
    producer.faulty.next('put', unchanged, unchanged, unchanged, producer.afterDrain, producer.afterDrain);
    await Promise.all([producer.put(call('1', '2')), producer.put(call('3')), producer.put(call('4'))]);
    expect(producer.sent.map(({ number, messages }) => `${number}:${messages}`)).toEqual([
      '1:1234',
      '2:12',
      '3:12',
      '4:12',
      '5:34',
    ]);
    expect(producer.sent[0]!.terms).toEqual({ limit: { most: 2, calls: [2, 1, 1] } });
    expect(await producer.waiting()).toEqual(['3', '4']);
  });

  it('waits for room for at most half a minute, then continues with the next put', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const producer = new Producer({ maxLength: 1, whenFull: 'wait' });
    await redis().rpush(producer.faulty.real.keys.base, 'x');
    const slow: Fault = async (send) => {
      const reply = await send();
      vi.advanceTimersByTime(10_000);
      return reply;
    };
    producer.faulty.next('put', slow, slow, slow, producer.afterDrain);
    const late = producer.put(call('late'));
    const next = producer.put(call('next'));
    await expect(late).rejects.toMatchObject({ code: 'QUEUE_FULL' });
    await next;
    expect(producer.sent.map(({ messages }) => messages)).toEqual(['latenext', 'late', 'late', 'next']);
    expect(await producer.waiting()).toEqual(['next']);
  });

  it('reports in OutcomeUnknownError whether the put may be repeated', async () => {
    const producer = new Producer();
    // Redis stores the batch, then stays away for longer than a put tries.
    const silent: Fault = async (send) => {
      await send();
      throw new RedisUnreachableError('here', 'start it', { mayHaveArrived: true });
    };
    producer.faulty.next('put', silent, silent);
    await expect(producer.put(call('1'))).rejects.toMatchObject({
      code: 'OUTCOME_UNKNOWN',
      mayRepeat: false,
      message: expect.stringContaining('putting again may store them twice') as string,
    });
    const own = { ...call('order-1'), uniqueForMs: 60_000 };
    await expect(producer.put(own)).rejects.toMatchObject({
      ids: ['order-1'],
      mayRepeat: true,
      message: expect.stringContaining('under the same id') as string,
    });
    await producer.put(own); // as the error says
    expect(await producer.waiting()).toEqual(['1', 'order-1']);
  });

  it('buffers a bounded amount while Redis is down, and refuses further puts with BUFFER_FULL', async () => {
    const producer = new Producer();
    const isBack = latch();
    producer.faulty.next('put', lateReply(isBack));
    const mebibyte = 'x'.repeat(1_048_576);
    const first = producer.put(call(mebibyte));
    await vi.waitFor(() => expect(producer.sent).toHaveLength(1));
    const kept = Array.from({ length: 17 }, () => producer.put(call(mebibyte))); // Redis is not known to be away yet
    let more = 0;
    await vi.waitFor(async () => {
      const refused = producer.put(call(`${(more += 1)}`)).then(
        () => undefined,
        (error: unknown) => error,
      );
      const outcome = await Promise.race([refused, new Promise((resolve) => setTimeout(resolve, 50))]);
      expect(outcome).toMatchObject({ code: 'BUFFER_FULL' });
    }, 20_000);
    isBack.open();
    await Promise.all([first, ...kept]);
    await producer.put(call('there is room again'));
    expect(await redis().llen(producer.faulty.real.keys.base)).toBe(18 + more);
  });

  it.each([50_000, 1_000])(
    'lets %d puts in one turn wait while Redis answers, also if the program computes meanwhile',
    async (count) => {
      const producer = new Producer();
      const text = 'x'.repeat(60_000_000 / count); // together more than the buffer holds while Redis is away
      const puts = Array.from({ length: count }, () => producer.put(call(text)));
      for (let turn = 0; turn < 3; turn++) {
        for (const until = performance.now() + 1_200; performance.now() < until;); // longer than two looks
        puts.push(producer.put(call(text)));
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      await Promise.all(puts);
      expect(await redis().llen(producer.faulty.real.keys.base)).toBe(count + 3);
    },
  );

  it('rejects what waited behind a batch as long as a put may, and says that it was not sent', async () => {
    const producer = new Producer();
    const isBack = latch();
    producer.faulty.next('put', async () => {
      await isBack;
      throw new RedisUnreachableError('here', 'start it', { mayHaveArrived: true });
    });
    const first = producer.put(call('first')).catch((error: unknown) => error);
    const behind = producer.put({ ...call('behind'), lane: 'h' }).catch((error: unknown) => error);
    await new Promise((resolve) => setTimeout(resolve, 2_500)); // by now Redis counts as away
    const now = performance.now();
    vi.spyOn(performance, 'now').mockImplementation(() => now + 31_000);
    const late = producer.put({ ...call('late'), lane: 'l' });
    isBack.open();
    expect(await first).toMatchObject({ code: 'OUTCOME_UNKNOWN' });
    expect(await behind).toMatchObject({ code: 'REDIS_UNREACHABLE', mayHaveArrived: false });
    await late;
    expect(producer.sent.map(({ messages }) => messages)).toEqual(['first', 'late']);
    expect(await producer.waiting()).toEqual(['late']);
  });
});
