import { afterAll, beforeAll, expect, it } from 'vitest';
import { HotQueue, start, type Delivery } from 'hotqueue';
import { startCluster, type TestCluster } from '../support/cluster.js';
import { until } from '../support/facts.js';
import { aName } from '../support/queue.js';

let cluster: TestCluster;
beforeAll(async () => (cluster = await startCluster()));
afterAll(() => cluster.stop());

const aClusterQueue = (options: object = {}): HotQueue => new HotQueue(aName(), { connection: cluster.client, logger: false, lease: 1_000, ...options });

it('every transition works on a cluster: put, take, retry, bury, release, delay, promote, recover, clear', async () => {
  for (let round = 0; round < 4; round++) {
    await using queue = aClusterQueue(); // another slot each time
    await queue.put('ack', 'retry', 'bury');
    await queue.with({ priority: 'high', id: 'own' }).put('high');
    expect((await queue.with({ id: 'own' }).put('high')).duplicate).toBe(true);
    await queue.with({ delay: 50 }).put('delayed');
    const seen: unknown[] = [];
    const runner = start(
      queue.worker(async (item, job: Delivery) => {
        if (item === 'retry' && job.attempt === 1) throw new Error('once');
        if (item === 'bury') return job.bury('unwanted');
        seen.push(item);
      }, { backoff: 10 }),
    );
    await until(() => seen.length === 4);
    await runner.stop();
    expect(seen[0]).toBe('high');
    expect([...seen].sort()).toEqual(['ack', 'delayed', 'high', 'retry']);
    expect(await queue.dead.reviveAll()).toBe(1);
    for await (const item of queue.consume()) {
      expect(item).toBe('bury');
      break;
    }
    expect(await queue.clear()).toBe(1);
    expect(await queue.counts()).toMatchObject({ waiting: 0, delayed: 0, claimed: 0, dead: 0, workers: 0 });
  }
});

it('an idle worker waits on its own line, wakes at once, and leaves the client of its owner open', async () => {
  const queue = aClusterQueue();
  const got = queue.get({ block: true });
  await until(() => queue.counts(), ({ workers }) => workers === 1);
  await queue.put('late');
  expect(await got).toBe('late');
  await queue.close();
  expect(cluster.client.status).toBe('ready');
});
