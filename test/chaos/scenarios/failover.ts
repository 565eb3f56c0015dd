import { setTimeout as pause } from 'node:timers/promises';
import path from 'node:path';
import { ClusterNodes } from '../cluster-nodes.js';
import type { NodeProcess } from '../node-process.js';
import type { Road } from '../road.js';
import type { Scenario } from '../scenario.js';
import { SentinelGroup } from '../sentinels.js';
import type { World } from '../world.js';

const queueKey = 'hotqueue:jobs';
/** Ms within which workers are at work again once there is a master. */
const backWithinMs = 5_000;
/** As before, when the master is silent and its connections stand: until the watchdog ends them. */
const frozenWithinMs = 12_000;
/** So many ms of what a master acknowledged may be gone with it: the longest time for which its replicas are cut off here, and the way there. */
const forgetsMs = 1_000;

/** Two worker processes and two producers, one of which asks the replicas, on servers of the scenario's own; then everything drains. */
async function atWork(world: World, road: Road, options: { replicas?: number; rounds: number }, happens: (round: number) => Promise<void>): Promise<void> {
  const workers = [0, 1].map(() => world.worker({ road, leaseMs: 5_000, concurrency: 10 }));
  world.claim('both workers came up', await world.until(() => workers.every(({ proc }) => world.count('up', proc) > 0)));
  const steady = { road, count: 1e9, batch: 10, mostMs: 60, perSecond: 150 };
  const asking = options.replicas === undefined ? [] : [{ ...steady, perSecond: 50, replicas: options.replicas }];
  const producers = [steady, ...asking].map((one) => world.producer(one));
  await world.until(() => world.count('start') > 50);
  for (let round = 0; round < options.rounds; round++) {
    await pause(world.dice.whole(200, 800));
    await happens(round);
  }
  for (const producer of producers) producer.signal('SIGTERM');
  await Promise.all(producers.map(({ ended }) => ended));
  await world.drained();
}

/** Waits until work goes on, and claims that it did so in time. */
async function worksAgain(world: World, what: string, withinMs = backWithinMs): Promise<void> {
  const before = world.count('start');
  const since = world.now();
  const went = await world.until(() => world.count('start') > before + 5, 2 * withinMs);
  const took = Math.round(world.now() - since);
  world.figures['longest wait after it, ms'] = Math.max(world.figures['longest wait after it, ms'] ?? 0, took);
  world.claim(`workers went on within ${withinMs} ms of ${what} (${took} ms)`, went && took < withinMs);
}

/** How a master dies: with its replicas cut off before, so that it has what nobody else ever gets; with them cut off and bound not to write then; or just so. */
const deaths = ['cut off', 'bound', 'plain'] as const;

/**
 * SIGKILLs a master. Replication is asynchronous, but on one machine next to nothing is ever on its way: hence the cut.
 *
 * @returns what it had and may take with it
 */
async function die(world: World, master: NodeProcess, replicas: readonly NodeProcess[], round: number): Promise<Set<string>> {
  const death = deaths[round % deaths.length]!;
  if (death === 'bound') await master.client.config('SET', 'min-replicas-to-write', 1);
  if (death !== 'plain') {
    for (const replica of replicas) replica.freeze();
    await master.client.call('CLIENT', 'KILL', 'TYPE', 'replica');
    world.fault(`replicas-cut-off${death === 'bound' ? ', master bound' : ''}`);
    const offset = Number(await master.info('replication', 'master_repl_offset'));
    await pause(world.dice.whole(100, 300));
    const bytes = Number(await master.info('replication', 'master_repl_offset')) - offset;
    const figure = `bytes that only a ${death === 'bound' ? 'bound ' : ''}master had`;
    world.figures[figure] = (world.figures[figure] ?? 0) + bytes;
  }
  await master.kill();
  await pause(50); // what it answered at the last moment is written down by then
  world.fault('redis-kill', { target: `port ${master.port}` });
  for (const replica of replicas) replica.thaw();
  const { ready, delayed, claimed, dead } = await master.autopsy((client) => world.look(client));
  return new Set(death === 'bound' ? [] : [...ready, ...delayed, ...claimed, ...dead]);
}

/** What was acknowledged, and is neither handled nor anywhere: it must have been on a master that was killed and not bound, and no replica may have confirmed it. */
async function accountForLosses(world: World, killed: readonly Set<string>[]): Promise<void> {
  const acked = new Set<string>();
  const confirmed = new Set<string>();
  const handled = new Set<string>();
  for (const { f, type, jobs, key } of world.entries()) {
    if (f === 'put' && type === 'ok') for (const [one] of jobs!) acked.add(one);
    if (f === 'confirmed') for (const [one] of jobs!) confirmed.add(one);
    if (f === 'end') handled.add(key!);
  }
  const { ready, delayed, claimed, dead } = await world.look();
  const still = new Set([...ready, ...delayed, ...claimed, ...dead]);
  const lost = [...acked].filter((key) => !handled.has(key) && !still.has(key));
  const [sworn, nowhere] = [lost.filter((key) => confirmed.has(key)), lost.filter((key) => !killed.some((had) => had.has(key)))];
  world.figures['confirmed by replicas'] = confirmed.size;
  world.figures['confirmed and lost'] = sworn.length;
  world.figures['gone with a master'] = lost.length;
  world.claim(`nothing that the replicas had confirmed is lost (${sworn.length}: ${sworn[0]})`, sworn.length === 0);
  world.claim(`all that is lost was on a master that was killed and not bound (${nowhere.length} was not: ${nowhere[0]})`, nowhere.length === 0);
}

const rounds = (world: World, long: number): number => (world.isLong ? long : 2);
const withinMs = { short: 120_000, long: 900_000 };

const f11: Scenario = {
  id: 'F11',
  name: 'the master that Sentinel watches is killed',
  withinMs,
  async run(world) {
    world.allowed = { forgetsMs, losesLeases: true };
    const group = await SentinelGroup.start(path.join(world.place, 'sentinel'));
    world.atEnd(() => group.close());
    world.direct = group.master.client;
    const killed: Set<string>[] = [];
    await atWork(world, group.road, { rounds: rounds(world, 15), replicas: 2 }, async (round) => {
      const former = group.master;
      killed.push(await die(world, former, group.replicas, round));
      await group.promoted();
      world.direct = group.master.client;
      await worksAgain(world, 'the promotion');
      await group.rejoin(former);
    });
    await accountForLosses(world, killed);
  },
};

const f11p: Scenario = {
  id: 'F11p',
  name: 'Sentinel is asked for another master, while writes are paused',
  withinMs,
  async run(world) {
    world.allowed = { noRecovery: true };
    const group = await SentinelGroup.start(path.join(world.place, 'sentinel'));
    world.atEnd(() => group.close());
    world.direct = group.master.client;
    await atWork(world, group.road, { rounds: world.isLong ? 6 : 1 }, async (round) => {
      if (round > 0) await group.settled();
      world.fault('handing-over');
      await group.handOver();
      world.direct = group.master.client;
      await worksAgain(world, 'the handing over');
    });
  },
};

const f11f: Scenario = {
  id: 'F11f',
  name: 'the master that Sentinel watches is frozen, and comes back when another has its place',
  withinMs,
  async run(world) {
    // `min-replicas-to-write` protects only after `min-replicas-max-lag`, 10 s: a master that was frozen for less answers what it
    // has read, before it learns that another has its place.
    world.allowed = { losesLeases: true, outlivesPlaceMs: 1_000 };
    const group = await SentinelGroup.start(path.join(world.place, 'sentinel'), ['--min-replicas-to-write', '1']);
    world.atEnd(() => group.close());
    world.direct = group.master.client;
    await atWork(world, group.road, { rounds: world.isLong ? 4 : 1 }, async () => {
      const former = group.master;
      world.fault('redis-freeze');
      former.freeze();
      await group.promoted();
      world.direct = group.master.client;
      await worksAgain(world, 'the promotion', frozenWithinMs);
      former.thaw();
      world.fault('redis-thaw');
      await group.settled();
    });
  },
};

const f13: Scenario = {
  id: 'F13',
  name: 'the cluster node that has the queue is killed',
  withinMs,
  async run(world) {
    world.allowed = { forgetsMs, losesLeases: true };
    const cluster = await ClusterNodes.start(path.join(world.place, 'cluster'));
    world.atEnd(() => cluster.close());
    world.direct = (await cluster.owner(queueKey)).client;
    const killed: Set<string>[] = [];
    await atWork(world, cluster.road, { rounds: rounds(world, 15), replicas: 1 }, async (round) => {
      const former = await cluster.owner(queueKey);
      killed.push(await die(world, former, [await cluster.heir(former)], round));
      const owner = await cluster.owner(queueKey);
      world.claim('another node has the slot', owner !== former);
      world.direct = owner.client;
      await worksAgain(world, 'the promotion');
      await former.start();
      await cluster.settled();
    });
    await accountForLosses(world, killed);
  },
};

const f13p: Scenario = {
  id: 'F13p',
  name: 'the cluster node that has the queue hands over to its replica',
  withinMs,
  async run(world) {
    world.allowed = { noRecovery: true };
    const cluster = await ClusterNodes.start(path.join(world.place, 'cluster'));
    world.atEnd(() => cluster.close());
    world.direct = (await cluster.owner(queueKey)).client;
    await atWork(world, cluster.road, { rounds: world.isLong ? 15 : 3 }, async () => {
      world.fault('handing-over');
      world.direct = (await cluster.handOver(queueKey)).client;
      await worksAgain(world, 'the handing over');
      await cluster.settled();
    });
  },
};

const f14: Scenario = {
  id: 'F14',
  name: "the queue's slot moves to other nodes, key by key",
  withinMs,
  async run(world) {
    world.allowed = { noRecovery: true };
    const cluster = await ClusterNodes.start(path.join(world.place, 'cluster'));
    world.atEnd(() => cluster.close());
    world.direct = (await cluster.owner(queueKey)).client;
    let keys = 0;
    await atWork(world, cluster.road, { rounds: world.isLong ? 40 : 5 }, async () => {
      const to = world.dice.pick(await cluster.others(queueKey));
      world.fault('slot-moves');
      keys += await cluster.migrate(queueKey, to, () => world.dice.whole(0, 150));
      world.direct = to.client;
      await worksAgain(world, 'the move');
    });
    world.figures['keys moved'] = keys;
    const seen = await cluster.redirections();
    for (const [code, count] of Object.entries(seen)) world.figures[code] = count;
    world.claim(`clients met MOVED and TRYAGAIN (${seen.MOVED}, ${seen.TRYAGAIN})`, seen.MOVED > 0 && seen.TRYAGAIN > 0);
  },
};

export const failoverScenarios = [f11, f11f, f11p, f13, f13p, f14];
