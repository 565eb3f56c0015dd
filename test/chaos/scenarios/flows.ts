import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { chain, group, HotQueue, type Flow, type Job } from '../../../src/index.js';
import { Keys } from '../../../src/redis/keys.js';
import { ClusterNodes } from '../cluster-nodes.js';
import { Crew } from '../crew.js';
import type { FlowTask } from '../flow-process.js';
import type { FlowPutterTask } from '../flow-putter-process.js';
import { losing } from '../losing.js';
import { connect, type Road } from '../road.js';
import type { Scenario } from '../scenario.js';
import type { World } from '../world.js';

/** In a cluster, they are on different nodes. */
const names = ['flow-a', 'flow-b', 'flow-c', 'flow-d'];

/** The processes that work on the queues. */
const crewOf = (world: World, road: Road): Crew =>
  new Crew(world, 3, () => {
    const proc = world.name('flow');
    const task: FlowTask = { folder: path.join(world.place, 'history'), proc, road, queues: names };
    return { proc, child: world.spawn('flow-process', task) };
  });

/** Processes that put flows, and are killed meanwhile. */
const puttersOf = (world: World, road: Road): Crew =>
  new Crew(world, 2, () => {
    const proc = world.name('putter');
    const seed = world.dice.whole(1, 1e9);
    const task: FlowPutterTask = { folder: path.join(world.place, 'history'), proc, road, queues: names, seed };
    return { proc, child: world.spawn('flow-putter-process', task) };
  });

/** Asserts that all jobs of a flow have run once, or none, and that none waits for ever. Call this when no process puts any more. */
async function judgeWholeness(world: World, road: Road): Promise<void> {
  const { options, close } = connect(road);
  const queues = names.map((name) => new HotQueue(name, { ...options, logger: false }));
  const isOver = await world.until(async () => {
    let count = 0;
    for (const queue of queues) {
      const { waiting, delayed, active } = await queue.counts();
      count += waiting + delayed + active;
    }
    return count === 0;
  }, 60_000);
  world.claim('nothing is left of flows whose putters were killed', isOver);
  const sizes = new Map<string, number>();
  const ran = new Map<string, Set<string>>();
  for (const { f, key, text, id } of world.entries()) {
    if (f === 'putting') sizes.set(key!, Number(text));
    if (f === 'ran' && key !== undefined) ran.set(key, (ran.get(key) ?? new Set()).add(id!));
  }
  const parts = [...ran].filter(([flow, ids]) => ids.size !== sizes.get(flow));
  world.claim(
    `no flow runs in part (${parts.length}: ${parts[0]?.[1].size} of ${sizes.get(parts[0]?.[0] ?? '')})`,
    parts.length === 0,
  );
  const whole = world.entries().flatMap(({ f, key }) => (f === 'put-whole' ? [key!] : []));
  world.claim(
    'every flow whose put has returned has run',
    whole.every((flow) => ran.has(flow)),
  );
  world.figures['flows put whole'] = whole.length;
  world.figures['flows never started'] = [...sizes.keys()].filter((flow) => !ran.has(flow)).length;
  await Promise.all(queues.map((queue) => queue.close()));
  close();
}

/** What the processes have held that were killed is as old as if five minutes had passed. */
async function age(queues: readonly string[], clientOf: (queue: string) => Promise<Redis>): Promise<void> {
  for (const name of queues) {
    const keys = new Keys(name);
    const client = await clientOf(keys.base);
    for (const id of await client.zrange(keys.blocked, 0, '-1'))
      if ((await client.hget(keys.parents(id), 'policy')) === 'start') await client.hset(keys.parents(id), 'since', 1);
  }
}

/** Puts flows of several forms, and asserts at the end that each job ran once, after all for which it waits. */
class Flows {
  readonly #queues: HotQueue[];
  readonly #close: () => void;
  readonly #jobs = new Map<string, { readonly job: Job; readonly after: readonly string[] }>();
  /** Each of them continues with a job that waits for it. */
  readonly #circles: Job[] = [];

  constructor(
    private readonly world: World,
    road: Road,
  ) {
    const { options, close } = connect(road);
    this.#close = close;
    // The records must outlive the scenario.
    this.#queues = names.map((name) => new HotQueue(name, { ...options, logger: false, track: { keep: '1h' } }));
  }

  async put(): Promise<void> {
    const pick = (): HotQueue => this.world.dice.pick(this.#queues);
    const payload = (): object => ({ ms: this.world.dice.whole(0, 40) });
    const track = { track: { keep: '1h' } } as const;
    const step = () => pick().task(undefined, track);
    this.#note(await chain(pick().task(payload(), track), step(), step(), step(), step()));
    const one = pick(); // all in one call
    const beside = group(Array.from({ length: 10 }, () => one.task(undefined, track)));
    this.#note(await chain(one.task(payload(), track), beside, one.task(payload(), track)));
    const many = Array.from({ length: this.world.isLong ? 100 : 30 }, () => pick().task(payload(), track));
    this.#note(await group(many, { then: pick().task(payload(), track) }));
    const outer = await pick().put({ fan: 4 });
    const behind = await pick().with({ after: outer }).put(payload());
    this.#jobs.set(outer.id, { job: outer, after: [] });
    this.#jobs.set(behind.id, { job: behind, after: [outer.id] });
    this.#circles.push(await pick().put({ isCircle: true }));
    const top = await pick().put(payload());
    const sides = [await pick().with({ after: top }).put(payload()), await pick().with({ after: top }).put(payload())];
    const bottom = await pick().with({ after: sides }).put(payload());
    for (const [job, after] of [
      [top, []],
      [sides[0]!, [top]],
      [sides[1]!, [top]],
      [bottom, sides],
    ] as const)
      this.#jobs.set(job.id, { job, after: after.map(({ id }) => id) });
  }

  /** Flows of which each is put in one call. */
  async putTogether(count: number): Promise<void> {
    const queue = this.world.dice.pick(this.#queues);
    for (let number = 0; number < count; number += 1)
      this.#note(await chain(queue.task({ ms: 1 }), group([queue.task(), queue.task()]), queue.task({ ms: 1 })));
  }

  #note(flow: Flow): void {
    for (const job of flow.jobs) this.#jobs.set(job.id, { job, after: flow.parentsOf(job.id) });
  }

  /** Whether a job is not done because one message was active in three processes when they were killed. Only the long forms kill so often. */
  async #isUnlucky(id: string, status: string | undefined, unlucky: ReadonlySet<string>): Promise<boolean> {
    if (!this.world.isLong) return false;
    const { job, after } = this.#jobs.get(id)!;
    if (status === 'cancelled') return after.some((parent) => unlucky.has(parent));
    return status === 'failed' && JSON.stringify(await job.fetch()).includes('its worker died 3 times');
  }

  async judge(): Promise<void> {
    const { world } = this;
    const open = new Set(this.#jobs.keys());
    const unlucky = new Set<string>();
    const isDone = await world.until(async () => {
      for (const id of open) {
        const status = await this.#jobs.get(id)!.job.status();
        const isUnlucky = await this.#isUnlucky(id, status, unlucky);
        if (isUnlucky) unlucky.add(id);
        if (isUnlucky || status === 'done') open.delete(id);
      }
      return open.size === 0;
    }, 60_000);
    const [stuck] = open;
    const how = stuck === undefined ? '' : `${stuck} is ${await this.#jobs.get(stuck)!.job.status()}`;
    world.claim(`every job is done (${open.size} are not: ${how})`, isDone);
    world.figures['ended because processes were killed three times'] = unlucky.size;
    const waiting = new Set(this.#circles);
    const haveFailed = await world.until(async () => {
      for (const job of waiting) if ((await job.status()) === 'failed') waiting.delete(job);
      return waiting.size === 0;
    }, 60_000);
    world.claim(`every job that continues with one that waits for it fails (${waiting.size} do not)`, haveFailed);
    const records = new Map<string, { started: number; ended: number }>();
    for (const [id, { job }] of this.#jobs) {
      const record = await job.fetch();
      records.set(id, { started: record?.startedAt ?? 0, ended: record?.endedAt ?? Infinity });
    }
    for (const [id, { after }] of this.#jobs)
      for (const parent of unlucky.has(id) ? [] : after)
        world.claim(`${id} starts after ${parent} has ended`, records.get(id)!.started >= records.get(parent)!.ended);
    const acks = new Map<string, number>();
    for (const { f, id } of world.entries()) if (f === 'acked') acks.set(id!, (acks.get(id!) ?? 0) + 1);
    const twice = [...acks].filter(([, count]) => count > 1);
    world.claim(`no job is put twice (${twice.length}: ${twice[0]?.[0]})`, twice.length === 0);
    world.figures['jobs of flows'] = this.#jobs.size;
    await Promise.all(this.#queues.map((queue) => queue.close()));
    this.#close();
  }
}

const withinMs = { short: 150_000, long: 900_000 };

const w01: Scenario = {
  id: 'W01',
  name: 'workflows: their workers are killed',
  withinMs,
  async run(world) {
    const road = { url: world.redis.url };
    const crew = crewOf(world, road);
    const flows = new Flows(world, road);
    for (let round = 0; round < (world.isLong ? 60 : 10); round += 1) {
      await flows.put();
      await pause(world.dice.whole(0, 500));
      await crew.replaceOne();
    }
    await flows.judge();
  },
};

const w04: Scenario = {
  id: 'W04',
  name: 'workflows: calls and their replies are lost',
  withinMs,
  async run(world) {
    const proxy = await world.proxy();
    const wanted = world.isLong ? 1_000 : 120;
    const calls = ['settle', 'put-flow', 'parent-ended', 'add-child', 'promote', 'hdel', 'hget'];
    proxy.rule = losing(world, proxy, { calls, chance: 0.15, most: wanted });
    crewOf(world, { url: proxy.url });
    const flows = new Flows(world, { url: proxy.url });
    while (proxy.faults() < wanted) {
      await flows.put();
      await flows.putTogether(10);
      await pause(100);
    }
    world.figures['lost calls and replies'] = proxy.faults();
    await flows.judge();
  },
};

const w13: Scenario = {
  id: 'W13',
  name: 'workflows across the nodes of a cluster: masters hand over, and workers are killed',
  withinMs: { short: 180_000, long: 900_000 },
  async run(world) {
    const cluster = await ClusterNodes.start(path.join(world.place, 'cluster'));
    world.atEnd(() => cluster.close());
    world.direct = (await cluster.owner('hotqueue:jobs')).client;
    const crew = crewOf(world, cluster.road);
    const flows = new Flows(world, cluster.road);
    for (let round = 0; round < (world.isLong ? 15 : 3); round += 1) {
      await flows.put();
      await crew.replaceOne();
      world.fault('handing-over');
      await cluster.handOver(`hotqueue:${world.dice.pick(names)}`);
      await flows.put();
      await cluster.settled();
    }
    await flows.judge();
  },
};

const w14: Scenario = {
  id: 'W14',
  name: 'workflows: the processes that put them are killed between any two calls',
  withinMs,
  async run(world) {
    const road = { url: world.redis.url };
    crewOf(world, road);
    // On a slow network, most are killed while they put.
    const proxy = await world.proxy();
    proxy.delayMs = () => world.dice.whole(0, 80);
    const putters = puttersOf(world, { url: proxy.url });
    world.claim('the processes put', await world.until(() => world.count('putting') > 0, 30_000));
    for (let round = 0; round < (world.isLong ? 100 : 20); round += 1) {
      const before = world.count('putting');
      await world.until(() => world.count('putting') > before + 1, 10_000);
      await pause(world.dice.whole(0, 400));
      await putters.replaceOne();
    }
    world.claim('some put whole flows', await world.until(() => world.count('put-whole') > 3, 30_000));
    await putters.end();
    await age(names, () => Promise.resolve(world.direct));
    await judgeWholeness(world, road);
  },
};

const w15: Scenario = {
  id: 'W15',
  name: 'workflows across the nodes of a cluster: the processes that put them are killed',
  withinMs: { short: 180_000, long: 900_000 },
  async run(world) {
    const cluster = await ClusterNodes.start(path.join(world.place, 'cluster'));
    world.atEnd(() => cluster.close());
    world.direct = (await cluster.owner('hotqueue:jobs')).client;
    crewOf(world, cluster.road);
    const putters = puttersOf(world, cluster.road);
    world.claim('the processes put', await world.until(() => world.count('put-whole') > 0, 30_000));
    await putters.replaceInTurn({ short: 10, long: 60 }, [100, 1_000]);
    await putters.end();
    await age(names, async (key) => (await cluster.owner(key)).client);
    await judgeWholeness(world, cluster.road);
  },
};

export const flowScenarios = [w01, w04, w13, w14, w15];
