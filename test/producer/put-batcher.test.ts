import { EventEmitter } from 'node:events';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { RedisUnreachableError } from '../../src/core/errors.js';
import type { Broker, PutBatch } from '../../src/redis/broker.js';
import { PutBatcher } from '../../src/producer/put-batcher.js';
import { PutRequest } from '../../src/producer/put-request.js';
import type { Due, PutLane } from '../../src/redis/broker.js';
import type { QueueContext } from '../../src/redis/queue-context.js';

afterEach(() => void vi.useRealTimers());

interface Call {
  readonly messages: readonly string[];
  readonly lane?: PutLane;
  readonly due?: Due;
  readonly uniqueForMs?: number;
}

const call = (...messages: string[]): Call => ({ messages });
const context = { name: 'q', events: new EventEmitter() } as unknown as QueueContext;

/** The request of a call; ids are the messages themselves. */
function requestOf(
  { messages, lane = 'b', due, uniqueForMs }: Call,
  resolve: () => void,
  reject: (error: unknown) => void,
): PutRequest {
  const jobs = messages.map((id) => ({ id, queue: 'q', payload: id, putAt: 0 }));
  return new PutRequest({ context, lane, uniqueForMs }, jobs, messages, due, resolve, reject);
}

/** The put batcher with promises instead of callbacks. */
class Producer {
  readonly #batcher: PutBatcher;
  constructor(...parts: ConstructorParameters<typeof PutBatcher>) {
    this.#batcher = new PutBatcher(...parts);
  }
  put(one: Call): Promise<void> {
    return new Promise((resolve, reject) => this.#batcher.put(requestOf(one, resolve, reject)));
  }
}

const sent: (Omit<PutBatch, 'messages' | 'delayed'> & { messages: readonly string[] })[] = [];

/** A fake broker. `answer` returns how many messages of a put it accepts. */
function aBroker(answer: (messages: readonly string[]) => number): Broker {
  sent.length = 0;
  const put: Broker['put'] = async (batch) => {
    const messages = batch.delayed ? batch.delayed.map(({ message }) => message) : batch.messages;
    sent.push({ ...batch, messages });
    return { accepted: answer(messages), duplicates: [], ...(batch.delayed && { nextDueMs: 7 }) };
  };
  return { put, announce: async () => {} } as unknown as Broker;
}

describe('a put batcher', () => {
  it('batches consecutive puts with the same options, and keeps the order of all puts', async () => {
    const due = vi.fn();
    const producer = new Producer(
      'q',
      aBroker(({ length }) => length),
      undefined,
      due,
    );
    const high = { lane: 'h' as const };
    const delayed = { due: { afterMs: 1 } };
    const own = { uniqueForMs: 1 };
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
    expect(sent.map(({ messages }) => messages.join(''))).toEqual(['123', '45', '67', '8', '9']);
    expect(sent.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5]);
    expect(sent[3]).toMatchObject({ own: { ids: ['8'], forMs: 1 } });
    expect(due.mock.calls).toEqual([[expect.objectContaining({ nextDueMs: 7 })]]);
  });

  it('sends the next batch before it resolves the puts of the last, and sends half batches if Redis replies fast', async () => {
    const told: number[] = [];
    const broker = aBroker((messages) => (told.push(-messages.length), messages.length));
    const batcher = new PutBatcher('q', broker);
    for (let n = 1; n <= 1_000; n++)
      batcher.put(
        requestOf(
          call(String(n)),
          () => void told.push(n),
          (error) => expect.fail(String(error)),
        ),
      );
    await batcher.drained();
    expect(told.slice(0, 3)).toEqual([-500, -500, 1]);
    expect(told.slice(2)).toEqual(Array.from({ length: 1_000 }, (_, index) => index + 1));
  });

  it('sends refused puts again with a new number, and only the first one until there is room', async () => {
    let looks = 0;
    const producer = new Producer(
      'q',
      aBroker(({ length }) => (looks++ < 3 ? 0 : length)),
      { maxLength: 2, whenFull: 'wait' },
    );
    await Promise.all([producer.put(call('1', '2')), producer.put(call('3')), producer.put(call('4'))]);
    expect(sent.map(({ number, messages }) => `${number}:${messages.join('')}`)).toEqual([
      '1:1234',
      '2:12',
      '3:12',
      '4:12',
      '5:34',
    ]);
    expect(sent[0]).toMatchObject({ limit: { most: 2, calls: [2, 1, 1] } });
  });

  it('waits for room for at most half a minute, then continues with the next put', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const broker = aBroker(([first]) => {
      vi.setSystemTime(Date.now() + 10_000);
      return first === 'next' ? 1 : 0;
    });
    const producer = new Producer('q', broker, { maxLength: 1, whenFull: 'wait' });
    const late = producer.put(call('late'));
    const next = producer.put(call('next'));
    await expect(late).rejects.toMatchObject({ code: 'QUEUE_FULL' });
    await next;
    expect(sent.map(({ messages }) => messages.join())).toEqual(['late,next', 'late', 'late', 'next']);
  });

  it('reports in OutcomeUnknownError whether the put may be repeated', async () => {
    const away = {
      announce: async () => {},
      put: () => Promise.reject(new RedisUnreachableError('here', 'start it', { mayHaveArrived: true })),
    };
    const producer = new Producer('q', away as unknown as Broker);
    await expect(producer.put(call('1'))).rejects.toMatchObject({
      code: 'OUTCOME_UNKNOWN',
      mayRepeat: false,
      message: expect.stringContaining('putting again may store them twice') as string,
    });
    const own = { ...call('order-1'), uniqueForMs: 1_000 };
    await expect(producer.put(own)).rejects.toMatchObject({
      ids: ['order-1'],
      mayRepeat: true,
      message: expect.stringContaining('under the same id') as string,
    });
  });

  it('buffers a bounded amount while Redis is down, and refuses further puts with BUFFER_FULL', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    let answer!: () => void;
    const away = {
      announce: async () => {},
      put: () => new Promise<object>((resolve) => (answer = () => resolve({ accepted: 1, duplicates: [] }))),
    };
    const producer = new Producer('q', away as unknown as Broker);
    const mebibyte = 'x'.repeat(1_048_576);
    const first = producer.put(call(mebibyte));
    await vi.waitFor(() => expect(answer).toBeDefined());
    const kept = Array.from({ length: 16 }, () => producer.put(call(mebibyte)));
    vi.setSystemTime(Date.now() + 2_000);
    await expect(producer.put(call('one more'))).rejects.toMatchObject({ code: 'BUFFER_FULL' });
    const drain = setInterval(() => answer(), 1);
    await Promise.all([first, ...kept]);
    await producer.put(call('there is room again'));
    clearInterval(drain);
  });
});
