/** Which calls a wait for a result makes: a job of this process tells its end, and only what may not have been heard is read. */
import { expect, it, onTestFinished } from 'vitest';
import { start, type HotQueue } from 'hotqueue';
import { Connection } from '../../src/redis/connection.js';
import { until } from '../support/facts.js';
import { aQueue, redis } from '../support/queue.js';
import { redisUrl, serverKind } from '../support/server.js';

/** A queue with a worker whose process hears the ends of its jobs, and the scripts that are called from now on. */
async function listening(
  handler = (payload: unknown): unknown => payload,
): Promise<{ queue: HotQueue; calls: string[] }> {
  const queue = aQueue({ track: true });
  const runner = start(queue.worker(handler, { concurrency: 50 }));
  onTestFinished(() => runner.stop());
  expect(await (await queue.put('first')).result()).toBe('first');
  const connection = Connection.share({ url: redisUrl() });
  const calls: string[] = [];
  const call = connection.script.bind(connection);
  connection.script = (name, ...of) => {
    calls.push(name);
    return call(name, ...of);
  };
  onTestFinished(async () => {
    connection.script = call;
    await connection.leave();
  });
  return { queue, calls };
}

/** Calls that read how jobs have ended. */
const reads = (calls: readonly string[]): string[] => calls.filter((name) => name === 'ends' || name === 'mend-job');

it('a job that is put after its process listens is not read, whether it ends before or after the wait begins', async () => {
  const { queue, calls } = await listening();
  expect(await (await queue.put('later')).result()).toBe('later');
  const job = await queue.put('before');
  await queue.drained();
  expect(await job.result()).toBe('before');
  expect(reads(calls)).toEqual([]);
});

it('the second wait for a job reads it, as its end was told once', async () => {
  const { queue, calls } = await listening();
  const job = await queue.put('a');
  expect(await job.result()).toBe('a');
  expect(await job.result()).toBe('a');
  expect(reads(calls)).toEqual(['ends']);
});

it('jobs whose ends were told and forgotten are read: a process keeps 1,000', async () => {
  const { queue, calls } = await listening();
  const jobs = await queue.putAll(Array.from({ length: 1_500 }, (_, index) => index));
  await jobs.at(-1)!.result(); // the ends of the others came before
  calls.length = 0;
  expect(await jobs[0]!.result()).toBe(0);
  expect(reads(calls)).toEqual(['ends']);
});

it('large ends that were told and forgotten are read: a process keeps a million characters', async () => {
  const { queue, calls } = await listening((payload) => (payload === 'first' ? payload : 'x'.repeat(8_000)));
  const jobs = await queue.putAll(Array.from({ length: 200 }, (_, index) => index));
  await jobs.at(-1)!.result();
  calls.length = 0;
  expect(await jobs[0]!.result()).toHaveLength(8_000);
  expect(reads(calls)).toEqual(['ends']);
});

it.runIf(serverKind() === 'redis')('a job that ended while nothing was heard is read', async () => {
  const { queue, calls } = await listening(async (payload) => {
    if (payload === 'cut') await redis().call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    return payload;
  });
  const job = await queue.put('cut');
  await queue.drained();
  await until(
    async () => ((await redis().call('PUBSUB', 'CHANNELS', `*${queue.name}}:ends:*`)) as string[]).length > 0,
  );
  expect(await job.result()).toBe('cut');
  expect(reads(calls)).toEqual(['ends']);
});
