import { describe, expect, it } from 'vitest';
import { start, type WorkerOptions } from 'hotqueue';
import { until } from '../support/facts.js';
import { aQueue } from '../support/queue.js';

type Own = Pick<WorkerOptions, 'attempts'>;

describe('attempts of a message', () => {
  // Who says how many, in the order in which they win.
  it.each<[string, { message?: Own; worker?: Own; queue?: Own }, number]>([
    ['of the message', { message: { attempts: 2 }, worker: { attempts: 4 }, queue: { attempts: 5 } }, 2],
    ['of the worker', { worker: { attempts: 4 }, queue: { attempts: 5 } }, 4],
    ["of the worker's queue", { queue: { attempts: 5 } }, 5],
    ['of no one: the default', {}, 3],
  ])('are those %s', async (_who, own, attempts) => {
    const producer = aQueue();
    const queue = aQueue({ name: producer.name, backoff: 0, ...own.queue });
    await producer.with(own.message ?? {}).put('a');
    const runner = start(
      queue.worker(() => {
        throw new Error('no');
      }, own.worker ?? {}),
    );
    await until(
      () => queue.dead.size(),
      (dead) => dead === 1,
    );
    await runner.stop();
    expect((await queue.dead.list())[0]).toMatchObject({ reason: `failed ${attempts} of ${attempts} attempts` });
  });

  it('of the queue hold for a loop too', async () => {
    const producer = aQueue();
    const queue = aQueue({ name: producer.name, attempts: 1 });
    await producer.put('a');
    for await (const delivery of queue.deliveries({ limit: 1 })) delivery.fail(new Error('no'));
    expect((await queue.dead.list())[0]).toMatchObject({ reason: 'failed 1 of 1 attempts' });
  });

  it('the backoff of the queue holds for its workers', async () => {
    const producer = aQueue();
    const queue = aQueue({ name: producer.name, backoff: '1h' });
    const delays: number[] = [];
    queue.events.on('retry', ({ delayMs }) => void delays.push(delayMs));
    await producer.put('a');
    const runner = start(
      queue.worker(() => {
        throw new Error('no');
      }),
    );
    await until(() => delays.length === 1);
    expect(delays[0]).toBeGreaterThan(1_000_000);
    await runner.stop();
  });
});
