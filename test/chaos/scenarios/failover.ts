import { setTimeout as pause } from 'node:timers/promises';
import path from 'node:path';
import { ClusterNodes } from '../cluster-nodes.js';
import type { NodeProcess } from '../node-process.js';
import type { Road } from '../road.js';
import type { Scenario } from '../scenario.js';
import { SentinelGroup } from '../sentinels.js';
import type { World } from '../world.js';

const queueKey = 'hotqueue:jobs';
/** Ms after which workers usually continue after a frozen master: its connections stay open until the watchdog ends them. */
const afterFreezeMs = 12_000;
/** More than may have started before the fault, and be written down late. */
const starts = 6;
/** Ms before the kill of a master within which its acknowledged writes may be lost: the longest time for which its replicas are cut off, plus latency. */
const forgetsMs = 1_000;

/** Runs two worker processes and two producers on the scenario's own servers; one producer may wait for replicas. `happens` injects a fault in each round. Then it waits until the queue is drained. */
async function atWork(
  world: World,
  road: Road,
  options: { replicas?: number; rounds: number },
  happens: (round: number) => Promise<void>,
): Promise<void> {
  const workers = [0, 1].map(() => world.worker({ road, leaseMs: 5_000, concurrency: 10 }));
  world.claim('both workers start', await world.until(() => workers.every(({ proc }) => world.count('up', proc) > 0)));
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

/**
 * How a master dies. `cut off`: its replicas are cut off before, so it has writes that no replica gets. `bound`: the same,
 * but `min-replicas-to-write` makes it refuse writes without replicas. `plain`: only the kill.
 */
const deaths = ['cut off', 'bound', 'plain'] as const;

/**
 * Kills a master with SIGKILL. On one machine, replicas lag so little that almost nothing is lost. So its replicas are cut
 * off before.
 *
 * @returns keys of the messages that may be lost with this master
 */
async function die(
  world: World,
  master: NodeProcess,
  replicas: readonly NodeProcess[],
  round: number,
): Promise<Set<string>> {
  const death = deaths[round % deaths.length]!;
  if (death === 'bound') {
    await master.client.config('SET', 'min-replicas-to-write', 1);
    // What it sends to a frozen replica may never be read there. So it writes nothing between the freeze and the cut.
    await master.client.call('CLIENT', 'PAUSE', 10_000, 'WRITE');
    await master.followers();
  }
  if (death !== 'plain') {
    for (const replica of replicas) replica.freeze();
    await master.client.call('CLIENT', 'KILL', 'TYPE', 'replica');
    if (death === 'bound') await master.client.call('CLIENT', 'UNPAUSE');
    world.fault(`replicas-cut-off${death === 'bound' ? ', master bound' : ''}`);
    const offset = Number(await master.info('replication', 'master_repl_offset'));
    await pause(world.dice.whole(100, 300));
    const bytes = Number(await master.info('replication', 'master_repl_offset')) - offset;
    const figure = `bytes that only a ${death === 'bound' ? 'bound ' : ''}master had`;
    world.figures[figure] = (world.figures[figure] ?? 0) + bytes;
  }
  await master.kill();
  await pause(50); // by then the history has the replies of its last moment
  world.fault('redis-kill', { target: `port ${master.port}` });
  for (const replica of replicas) replica.thaw();
  const { waiting, delayed, active, dead } = await master.autopsy((client) => world.look(client));
  return new Set(death === 'bound' ? [] : [...waiting, ...delayed, ...active, ...dead]);
}

/** Asserts that every lost message was on a killed master that was not bound, and that no replica had confirmed it. */
async function accountForLosses(world: World, killed: readonly Set<string>[]): Promise<void> {
  const acked = new Set<string>();
  const confirmed = new Set<string>();
  const handled = new Set<string>();
  for (const { f, type, jobs, key } of world.entries()) {
    if (f === 'put' && type === 'ok') for (const [one] of jobs!) acked.add(one);
    if (f === 'confirmed') for (const [one] of jobs!) confirmed.add(one);
    if (f === 'end') handled.add(key!);
  }
  const { waiting, delayed, active, dead } = await world.look();
  const still = new Set([...waiting, ...delayed, ...active, ...dead]);
  const lost = [...acked].filter((key) => !handled.has(key) && !still.has(key));
  const [sworn, nowhere] = [
    lost.filter((key) => confirmed.has(key)),
    lost.filter((key) => !killed.some((had) => had.has(key))),
  ];
  world.figures['confirmed by replicas'] = confirmed.size;
  world.figures['confirmed and lost'] = sworn.length;
  world.figures['gone with a master'] = lost.length;
  world.claim(`no message that replicas confirmed is lost (${sworn.length}: ${sworn[0]})`, sworn.length === 0);
  world.claim(
    `every lost message was on a killed master that was not bound (${nowhere.length} were not: ${nowhere[0]})`,
    nowhere.length === 0,
  );
}

const rounds = (world: World, long: number): number => (world.isLong ? long : 2);
const withinMs = { short: 120_000, long: 900_000 };

const f11: Scenario = {
  id: 'F11',
  name: 'Sentinel: the master is killed',
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
      await world.workersContinue('the promotion', { starts });
      await group.rejoin(former);
    });
    await accountForLosses(world, killed);
  },
};

const f11p: Scenario = {
  id: 'F11p',
  name: 'Sentinel: a planned failover while writes are paused',
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
      await world.workersContinue('the planned failover', { starts });
    });
  },
};

const f11f: Scenario = {
  id: 'F11f',
  name: 'Sentinel: the master is frozen, and thaws after another one is promoted',
  withinMs,
  async run(world) {
    // `min-replicas-to-write` protects only after `min-replicas-max-lag` (10 s). A master that was frozen for a shorter time executes
    // the calls that it has already read before it learns that another one is promoted.
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
      await world.workersContinue('the promotion', { starts, usualMs: afterFreezeMs });
      former.thaw();
      world.fault('redis-thaw');
      await group.settled();
    });
  },
};

const f13: Scenario = {
  id: 'F13',
  name: 'Cluster: the master of the queue is killed',
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
      await world.workersContinue('the promotion', { starts });
      await former.start();
      await cluster.settled();
    });
    await accountForLosses(world, killed);
  },
};

const f13p: Scenario = {
  id: 'F13p',
  name: 'Cluster: the master of the queue hands over to its replica',
  withinMs,
  async run(world) {
    world.allowed = { noRecovery: true };
    const cluster = await ClusterNodes.start(path.join(world.place, 'cluster'));
    world.atEnd(() => cluster.close());
    world.direct = (await cluster.owner(queueKey)).client;
    await atWork(world, cluster.road, { rounds: world.isLong ? 15 : 3 }, async () => {
      world.fault('handing-over');
      world.direct = (await cluster.handOver(queueKey)).client;
      await world.workersContinue('the planned failover', { starts });
      await cluster.settled();
    });
  },
};

const f14: Scenario = {
  id: 'F14',
  name: "Cluster: the queue's slot moves to other nodes, key by key",
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
      await world.workersContinue('the move', { starts });
    });
    world.figures['keys moved'] = keys;
    const seen = await cluster.redirections();
    for (const [code, count] of Object.entries(seen)) world.figures[code] = count;
    world.claim(
      `clients received MOVED and TRYAGAIN (${seen.MOVED}, ${seen.TRYAGAIN})`,
      seen.MOVED > 0 && seen.TRYAGAIN > 0,
    );
  },
};

export const failoverScenarios = [f11, f11f, f11p, f13, f13p, f14];
