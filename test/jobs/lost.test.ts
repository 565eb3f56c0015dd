/** Jobs whose workers died or came late, and whose messages then go another way than their records expect. */
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { start, type HotQueue, type Job } from 'hotqueue';
import { Sweeper } from '../../src/maintenance/sweeper.js';
import { Recoverer } from '../../src/maintenance/recoverer.js';
import type { Broker } from '../../src/redis/broker.js';
import { Connection } from '../../src/redis/connection.js';
import { until } from '../support/facts.js';
import { aBroker, aQueue, redis } from '../support/queue.js';
import { redisUrl } from '../support/server.js';
import { aWorker, endLease, take } from '../support/takes.js';

const at = { withinMs: 5_000 };
const keep = { keepMs: 60_000, keepFailedMs: 60_000 };
const begin = (broker: Broker, worker: string, id: string) =>
  broker.jobs.begin(worker, 'w', 1, [{ index: 1, id, attempt: 1, putAt: 1, begunAt: 1 }], keep, at);

/** Workers take the job and die. Nothing asks for its record. */
async function die(broker: Broker, id: string, times: number): Promise<void> {
  for (let death = 1; death <= times; death++) {
    const worker = await aWorker(broker);
    await take(broker, worker, 1);
    await begin(broker, worker, id);
    await endLease(broker, worker);
    await broker.recover(worker, 'hotqueue', at);
  }
}

const recordOf = (queue: HotQueue, { id }: Job): Promise<Record<string, string>> =>
  redis().hgetall(`{${queue.key}}:job:${id}`);

describe('a job whose message was buried because its workers died', () => {
  it('has failed when its dead letter is dropped, and its unique key is free', async () => {
    const queue = aQueue({ track: true });
    const job = await queue.with({ unique: 'k' }).put('a');
    await die(aBroker(queue.name), job.id, 3);
    expect(await recordOf(queue, job)).toMatchObject({ status: 'running' });
    expect(await queue.dead.drop(job.id)).toBe(1);
    expect(await job.status()).toBe('failed');
    expect((await job.fetch())?.error?.message).toBe('its worker died 3 times');
    expect(await queue.with({ unique: 'k' }).put('b')).toMatchObject({ isDuplicate: false });
  });

  it('is waiting when its dead letter is revived, also after its ttl', async () => {
    const queue = aQueue({ track: true });
    const job = await queue.with({ ttl: 200 }).put('a');
    await die(aBroker(queue.name), job.id, 3);
    await pause(250);
    expect(await queue.dead.reviveAll()).toBe(1);
    expect(await job.status()).toBe('waiting');
    const runner = start(queue.worker((payload) => payload));
    onTestFinished(() => runner.stop());
    expect(await job.result({ timeout: '10s' })).toBe('a');
  });

  it('has failed at the latest when its queue is swept, so its record expires', async () => {
    const queue = aQueue({ track: true });
    const job = await queue.put('a');
    const broker = aBroker(queue.name);
    await die(broker, job.id, 3);
    const maintained = { name: queue.name, broker, events: queue.events } as never;
    await new Sweeper(
      broker,
      new Recoverer(
        maintained,
        () => undefined,
        () => undefined,
      ),
    ).sweep();
    expect(await recordOf(queue, job)).toMatchObject({ status: 'failed' });
    expect(await redis().pttl(`{${queue.key}}:job:${job.id}`)).toBeGreaterThan(0);
  });

  it('has failed although its handler ends well afterwards, and its dead letter stays', async () => {
    const queue = aQueue({ track: true, lease: 1_000 });
    const job = await queue.put('a');
    const broker = aBroker(queue.name);
    await die(broker, job.id, 2);
    let end = (): void => undefined;
    let begun = false;
    const held = new Promise<void>((resolve) => (end = resolve));
    const runner = start(
      queue.worker(async () => {
        begun = true;
        await held;
        return 'late';
      }),
    );
    onTestFinished(() => runner.stop());
    await until(() => begun);
    const [worker] = await redis().zrange(broker.keys.workers, 0, '-1');
    await endLease(broker, worker!);
    await broker.recover(worker!, 'hotqueue', at);
    expect(await queue.dead.size()).toBe(1);
    const isLost = new Promise((resolve) => queue.events.once('lost', resolve));
    end();
    await isLost;
    await runner.stop();
    expect(await queue.dead.size()).toBe(1);
    expect(await job.status()).toBe('failed');
    await expect(job.result({ timeout: '10s' })).rejects.toThrow('its worker died 3 times');
  });
});

it.each([true, false])('clear() cancels a job that a dead worker has given back (others wait: %s)', async (others) => {
  const queue = aQueue({ track: true });
  const job = await queue.with({ unique: 'k' }).put('a');
  await die(aBroker(queue.name), job.id, 1);
  if (others) await queue.put('b');
  expect(await recordOf(queue, job)).toMatchObject({ status: 'running' });
  expect(await queue.clear()).toBe(others ? 2 : 1);
  expect(await job.status()).toBe('cancelled');
  expect(await queue.with({ unique: 'k' }).put('c')).toMatchObject({ isDuplicate: false });
});

it('a job with the id of an old dead letter is waiting', async () => {
  const queue = aQueue({ track: true });
  const put = queue.with({ id: 'mine', uniqueFor: 1 });
  await put.put('a');
  for await (const delivery of queue.deliveries({ limit: 1 })) await delivery.bury('no');
  await pause(5);
  const again = await put.put('b');
  expect(again.isDuplicate).toBe(false);
  expect(await again.status()).toBe('waiting');
  expect(await queue.get()).toBe('b');
  expect(await again.status()).toBe('done');
});

it('a job that was told to have expired does not run, although its worker took it in time', async () => {
  const queue = aQueue({ track: true });
  const connection = Connection.share({ url: redisUrl() });
  const script = connection.script.bind(connection);
  onTestFinished(async () => {
    connection.script = script;
    await connection.leave();
  });
  const told: unknown[] = [];
  const job = await queue.with({ ttl: 1_500 }).put('a');
  connection.script = async (name, ...of) => {
    if (name === 'begin')
      told.push(
        await until(
          async () => job.status(),
          (status) => status !== 'waiting',
        ),
      );
    return script(name, ...of);
  };
  const ran: unknown[] = [];
  const runner = start(queue.worker((payload) => void ran.push(payload)));
  onTestFinished(() => runner.stop());
  await until(async () => (await queue.dead.size()) === 1);
  expect(told).toEqual(['expired']);
  expect(ran).toEqual([]);
  expect(await job.status()).toBe('expired');
  expect((await queue.dead.get(job.id))?.reason).toBe('expired');
});

it('a revived job has its unique key again, unless another job has it', async () => {
  const queue = aQueue({ track: true });
  const put = queue.with({ unique: 'k' });
  const bury = async (): Promise<void> => {
    for await (const delivery of queue.deliveries({ limit: 1 })) await delivery.bury('no');
  };
  const first = await put.put(1);
  await bury();
  await queue.dead.revive(first.id);
  expect(await put.put(2)).toMatchObject({ isDuplicate: true, id: first.id });
  await bury();
  const other = await put.put(3);
  await queue.dead.revive(first.id);
  expect(await put.put(4)).toMatchObject({ isDuplicate: true, id: other.id });
  expect(await queue.get()).toBe(3);
  expect(await put.put(5)).toMatchObject({ isDuplicate: false });
  expect(await queue.get()).toBe(1);
  expect(await put.put(6)).toMatchObject({ isDuplicate: true });
});

it('progress of a job that was cancelled is refused', async () => {
  const queue = aQueue({ track: true });
  const job = await queue.put('a');
  const broker = aBroker(queue.name);
  const worker = await aWorker(broker);
  const taken = await take(broker, worker, 1);
  await begin(broker, worker, job.id);
  await job.cancel();
  const note = broker.jobs.note(worker, { take: taken, index: 1, id: job.id }, 1, ['progress', '1'], at);
  expect(await note).toBe('cancelled');
  expect(await job.fetch()).not.toHaveProperty('progress');
});

it('the record of a job for which another one waits is kept until that one was told, however short its keep is', async () => {
  const queue = aQueue({ track: { keep: 1 } });
  const job = await queue.put('a');
  await queue.with({ after: job }).put('b');
  expect(await queue.get()).toBe('a');
  expect(await redis().pttl(`{${queue.key}}:job:${job.id}`)).toBeGreaterThan(60_000);
});
