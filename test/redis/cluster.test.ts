import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { HotQueue, start, type Delivery } from 'hotqueue';
import { Broker } from '../../src/redis/broker.js';
import { Connection } from '../../src/redis/connection.js';
import { Keys } from '../../src/redis/keys.js';
import { removeQueue } from '../../src/redis/remove-queue.js';
import { aChild } from '../support/child.js';
import { startCluster, type TestCluster } from '../support/cluster.js';
import { until } from '../support/facts.js';
import { aName } from '../support/queue.js';
import { aWorker, endLease, take } from '../support/takes.js';

let cluster: TestCluster;
beforeAll(async () => (cluster = await startCluster()));
afterAll(() => cluster.stop());

const aClusterQueue = (options: object = {}): HotQueue =>
  new HotQueue(aName(), { connection: cluster.client, logger: false, lease: 1_000, ...options });

it('every transition works on a cluster: put, take, retry, bury, release, delay, promote, recover, clear', async () => {
  for (let round = 0; round < 4; round++) {
    await using queue = aClusterQueue(); // in another slot each time
    await queue.put('ack', 'retry', 'bury');
    await queue.with({ priority: 'high', id: 'own' }).put('high');
    expect((await queue.with({ id: 'own' }).put('high')).isDuplicate).toBe(true);
    await queue.with({ delay: 50 }).put('delayed');
    const seen: unknown[] = [];
    const runner = start(
      queue.worker(
        async (item, job: Delivery) => {
          if (item === 'retry' && job.attempt === 1) throw new Error('once');
          if (item === 'bury') return job.bury('unwanted');
          seen.push(item);
        },
        { backoff: 10 },
      ),
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
    expect(await queue.counts()).toMatchObject({ waiting: 0, delayed: 0, active: 0, dead: 0, workers: 0 });
  }
});

it('tracked jobs work on a cluster: result, cancel, unique, next, clear', async () => {
  for (let round = 0; round < 3; round++) {
    await using queue = aClusterQueue({ track: true }); // in another slot each time
    await using other = aClusterQueue({ track: true });
    const follow: string[] = [];
    const runner = start([
      queue.worker(async (item, job: Delivery) => {
        await job.progress(0.5);
        follow.push((await job.next(other, `after ${String(item)}`)).id);
        return { item };
      }),
      other.worker((item) => item),
    ]);
    const job = await queue.put('a');
    expect(await job.result({ timeout: '10s' })).toEqual({ item: 'a' });
    expect(await queue.job(job.id).fetch()).toMatchObject({ status: 'done', progress: 0.5 });
    expect(await other.job(follow[0]!).result({ timeout: '10s' })).toBe('after a');
    const [first, second] = [
      await queue.with({ unique: 'k', delay: '1h' }).put(1),
      await queue.with({ unique: 'k', delay: '1h' }).put(2),
    ];
    expect(second).toMatchObject({ id: first.id, isDuplicate: true });
    expect(await first.cancel()).toBe(true);
    await queue.with({ delay: '1h' }).put(3);
    expect(await queue.clear()).toBe(1);
    expect(await queue.jobs.counts()).toMatchObject({ done: 1, cancelled: 2, delayed: 0 });
    await runner.stop();
  }
});

it('a removed queue leaves only keys that expire, on any master', async () => {
  for (let round = 0; round < 4; round++) {
    const queue = aClusterQueue();
    await queue.with({ id: 'own' }).put('a');
    const connection = Connection.share({ connection: cluster.client });
    const keys = new Keys(queue.name);
    const request = randomUUID();
    expect(await removeQueue(connection, keys, { request: randomUUID(), isForced: false }, {})).toBe(false);
    expect(await removeQueue(connection, keys, { request, isForced: true }, {})).toBe(true);
    expect((await queue.with({ id: 'own' }).put('a')).isDuplicate).toBeFalsy();
    expect(await removeQueue(connection, keys, { request: randomUUID(), isForced: true }, {})).toBe(true);
    const left = (await Promise.all(cluster.client.nodes('master').map((node) => node.keys(`*${keys.base}*`)))).flat();
    expect(left.filter((key) => !/:(producer|request):/.test(key))).toEqual([]);
    expect(await cluster.client.sismember(keys.names, queue.name)).toBe(0);
    await Promise.all([queue.close(), connection.leave()]);
  }
});

it('an idle worker waits on its own connection, wakes at once, and leaves the caller’s client open', async () => {
  const queue = aClusterQueue();
  const got = queue.get({ block: true });
  await until(
    () => queue.counts(),
    ({ workers }) => workers === 1,
  );
  await queue.put('late');
  expect(await got).toBe('late');
  await queue.close();
  expect(cluster.client.status).toBe('ready');
});

it('the history of a queue is in the slot of the queue', async () => {
  const queue = new HotQueue<string>(aName(), { connection: cluster.client, history: { max: 1_000 } });
  const { id } = await queue.put('x');
  for await (const _ of queue.consume({ limit: 1 }));
  expect((await queue.history.read({ id })).map(({ verb }) => verb)).toEqual(['put', 'take', 'ack']);
  for await (const entry of queue.history.follow({ group: 'g', consumer: 'c', since: 0 })) {
    expect(entry.id).toBe(id);
    break;
  }
  await queue.close();
});

it('only a quarantined message counts a crash, also if two queues and the note of their process are on three nodes', async () => {
  const connection = Connection.share({ connection: cluster.client });
  const brokerOf = (): Broker => new Broker(connection, new Keys(aName()));
  for (let round = 0; round < 4; round++) {
    const process = randomUUID();
    const [holding, other] = [brokerOf(), brokerOf()]; // in other slots each time
    await cluster.client.rpush(holding.keys.quarantine, '#quarantined 0 2\n"quarantined"');
    await cluster.client.rpush(holding.keys.base, '#neighbour 0 0\n"neighbour"');
    await cluster.client.rpush(other.keys.base, '#elsewhere 0 0\n"elsewhere"');
    const holder = await aWorker(holding, undefined, process);
    const worker = await aWorker(other, undefined, process);
    expect((await take(holding, holder, 1)).lanes).toBe('sb');
    await holding.noteQuarantined(process, holder);
    await take(other, worker, 1);
    await endLease(holding, holder);
    await endLease(other, worker);
    expect(await other.recover(worker, 'hotqueue', { withinMs: 5_000 })).toEqual({
      waiting: 1,
      quarantined: 0,
      buried: 0,
    });
    expect(await holding.recover(holder, 'hotqueue', { withinMs: 5_000 })).toEqual({
      waiting: 1,
      quarantined: 0,
      buried: 1,
    });
    expect(await cluster.client.lrange(other.keys.base, 0, -1)).toEqual(['#elsewhere 0 0\n"elsewhere"']);
    expect(await cluster.client.lrange(holding.keys.base, 0, -1)).toEqual(['#neighbour 0 0\n"neighbour"']);
  }
  await connection.leave();
});

it('a given cluster client’s own options change nothing: replies, times, order, reads from replicas', async () => {
  const connection = cluster.client.duplicate([], {
    lazyConnect: true,
    scaleReads: 'slave',
    enableAutoPipelining: true,
    enableOfflineQueue: false,
    showFriendlyErrorStack: true,
    shardedSubscribers: true,
    maxRedirections: 0,
    retryDelayOnFailover: 1e9,
    retryDelayOnMoved: 1e9,
    clusterRetryStrategy: () => null,
    clusterNodeRetryStrategy: () => null,
    scripts: { evalsha: { lua: 'return {}', numberOfKeys: 0 } },
    redisOptions: { stringNumbers: true, commandTimeout: 1, replyMapping: 'resp3', maxRetriesPerRequest: null },
  });
  for (let round = 0; round < 4; round++) {
    await using queue = aClusterQueue({ connection });
    await queue.put('a', 'b');
    expect(await queue.size()).toBe(2);
    for await (const item of queue.consume({ limit: 2 })) expect(['a', 'b']).toContain(item);
    expect(await queue.counts()).toMatchObject({ waiting: 0, active: 0, done: 2 });
  }
  connection.disconnect();
});

it(
  'a thread renews the lease on a cluster while a handler computes for three leases',
  { timeout: 60_000 },
  async () => {
    const lease = 2_000;
    await using queue = aClusterQueue({ lease });
    const { host, port } = cluster.client.nodes('master')[0]!.options;
    const child = aChild(`
    import { Cluster } from 'ioredis';
    import { HotQueue, run } from 'hotqueue';
    const connection = new Cluster([${JSON.stringify({ host, port })}]);
    const queue = new HotQueue('${queue.name}', { connection, lease: ${lease}, logger: false });
    await run(queue.worker((item) => {
      console.log('began', item);
      for (const until = performance.now() + ${3 * lease}; performance.now() < until;);
    }, { concurrency: 1 }), { until: 'drained' });
    connection.disconnect();
  `);
    await queue.put('sum');
    await until(() => child.lines.includes('began sum'), Boolean, 20_000);
    // Without the thread, this worker would get the message while the other one computes.
    const others: unknown[] = [];
    const other = start(queue.worker((item) => void others.push(item)));
    expect(await child.ended).toBe(0);
    await other.stop();
    expect({ others, lines: child.lines }).toEqual({ others: [], lines: ['began sum'] });
    expect(await queue.counts()).toMatchObject({ waiting: 0, active: 0, dead: 0, done: 1 });
  },
);
