import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { chain, group, HotQueue, type Flow, type Job } from '../../../src/index.js';
import { ClusterNodes } from '../cluster-nodes.js';
import { Crew } from '../crew.js';
import type { FlowTask } from '../flow-process.js';
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

/** Puts flows of several forms, and asserts at the end that each job ran once, after all for which it waits. */
class Flows {
  readonly #queues: HotQueue[];
  readonly #close: () => void;
  readonly #jobs = new Map<string, { readonly job: Job; readonly after: readonly string[] }>();

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
    const many = Array.from({ length: this.world.isLong ? 100 : 30 }, () => pick().task(payload(), track));
    this.#note(await group(many, { then: pick().task(payload(), track) }));
    const outer = await pick().put({ fan: 4 });
    const behind = await pick().with({ after: outer }).put(payload());
    this.#jobs.set(outer.id, { job: outer, after: [] });
    this.#jobs.set(behind.id, { job: behind, after: [outer.id] });
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

  #note(flow: Flow): void {
    for (const job of flow.jobs) this.#jobs.set(job.id, { job, after: flow.parentsOf(job.id) });
  }

  async judge(): Promise<void> {
    const { world } = this;
    const open = new Set(this.#jobs.keys());
    const isDone = await world.until(async () => {
      for (const id of open) if ((await this.#jobs.get(id)!.job.status()) === 'done') open.delete(id);
      return open.size === 0;
    }, 60_000);
    const [stuck] = open;
    const how = stuck === undefined ? '' : `${stuck} is ${await this.#jobs.get(stuck)!.job.status()}`;
    world.claim(`every job is done (${open.size} are not: ${how})`, isDone);
    const records = new Map<string, { started: number; ended: number }>();
    for (const [id, { job }] of this.#jobs) {
      const record = await job.fetch();
      records.set(id, { started: record?.startedAt ?? 0, ended: record?.endedAt ?? Infinity });
    }
    for (const [id, { after }] of this.#jobs)
      for (const parent of after)
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
    const scripts = new Set(['settle', 'parent-ended', 'add-child', 'promote', 'hdel', 'hget']);
    proxy.rule = ({ name, reply }) => {
      if (!scripts.has(name) || proxy.faults() >= wanted || !world.dice.chance(0.15)) return undefined;
      return { kind: reply ? 'after' : 'before' };
    };
    crewOf(world, { url: proxy.url });
    const flows = new Flows(world, { url: world.redis.url });
    while (proxy.faults() < wanted) {
      await flows.put();
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

export const flowScenarios = [w01, w04, w13];
