import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { HotQueue } from '../../../src/index.js';
import { ClusterNodes } from '../cluster-nodes.js';
import { Crew } from '../crew.js';
import { libfaketime, wrongClock } from '../faketime.js';
import { losing } from '../losing.js';
import { connect, type Road } from '../road.js';
import type { Scenario } from '../scenario.js';
import { chaosSchedules, type ScheduleTask } from '../schedules.js';
import { SentinelGroup } from '../sentinels.js';
import type { World } from '../world.js';

const queueName = 'scheduled';
const hourMs = 3_600_000;
/** Why a message is dead that was active in three processes when they were killed. Only the long forms kill so often. */
const diedTooOften = 'its worker died 3 times';
/** The clocks of the processes: right, an hour ahead, an hour behind. */
const clocks = [0, hourMs, -hourMs, 0, 1_234_567];

/** Five processes that fire the schedules of one queue, and handle their messages. @param road asked for each process that is started */
const crewOf = (world: World, road: () => Road): Crew =>
  new Crew(world, clocks.length, (index) => {
    const task: ScheduleTask = {
      ...{ folder: path.join(world.place, 'history'), proc: world.name('scheduler'), queue: queueName },
      ...{ road: road(), clockMs: clocks[index % clocks.length]! },
    };
    return { proc: task.proc, child: world.spawn('schedule-process', task) };
  });

/** Instants and acknowledgements so far, by id. */
function runsOf(world: World): Map<string, { schedule: string; due: number; acks: number }> {
  const runs = new Map<string, { schedule: string; due: number; acks: number }>();
  const entries = world.entries();
  for (const { f, kind, key, due } of entries) if (f === 'ran') runs.set(kind!, { schedule: key!, due: due!, acks: 0 });
  for (const { f, id } of entries) {
    const run = f === 'acked' ? runs.get(id!) : undefined;
    if (run) run.acks += 1;
  }
  return runs;
}

const names = Object.keys(chaosSchedules);

/** Whether each schedule has more than three runs, so that there are gaps to look at; the slowest is due once a second. */
function allHaveRuns(world: World): boolean {
  const runs = [...runsOf(world).values()];
  return names.every((name) => runs.filter(({ schedule }) => schedule === name).length > 3);
}

/** Waits until each schedule has runs, pauses them all, waits until every message is handled, and looks at the instants. */
async function judge(world: World, road: Road, mayRepeat = false): Promise<void> {
  world.claim('every schedule has runs', await world.until(() => allHaveRuns(world), 40_000));
  const { options, close } = connect(road);
  const queue = new HotQueue(queueName, { ...options, logger: false });
  for (const name of names) await queue.schedules.pause(name);
  const isDone = await world.until(async () => {
    const { waiting, delayed, active } = await queue.counts();
    return waiting + delayed + active + (await world.direct.hlen(world.keys(queueName).outbox)) === 0;
  }, 40_000);
  world.claim('every message of a schedule is put and handled', isDone);
  const dead = await queue.dead.list();
  const unlucky = world.isLong ? dead.filter(({ reason }) => reason === diedTooOften) : [];
  world.figures['buried without guilt'] = unlucky.length;
  for (const { key } of unlucky) await queue.dead.drop(key); // the checker knows only messages that a producer has put
  const others = dead.filter((letter) => !unlucky.includes(letter));
  world.claim(`no message of a schedule fails (${others[0]?.reason})`, others.length === 0);
  await queue.close();
  close();
  const runs = [...runsOf(world).entries()];
  world.figures['instants'] = runs.length;
  const latest = Math.max(...runs.map(([, { due }]) => due));
  world.claim(`no instant runs before its time (${new Date(latest).toISOString()})`, latest <= Date.now());
  const twice = runs.filter(([, { acks }]) => acks > 1);
  world.figures['put twice'] = twice.length;
  if (!mayRepeat) world.claim(`no instant is put twice (${twice.length}: ${twice[0]?.[0]})`, twice.length === 0);
  for (const name of names) {
    const ran = runs.flatMap(([, { schedule, due }]) => (schedule === name ? [due] : []));
    const buried = unlucky.flatMap(({ id }) =>
      id.startsWith(`${name}@`) ? [Date.parse(id.slice(name.length + 1))] : [],
    );
    const dues = [...new Set([...ran, ...buried])].sort((a, b) => a - b);
    const stepMs = { fast: 100, slow: 700, cron: 1_000, late: 300 }[name]!;
    const gap = dues.findIndex((due, at) => at > 0 && due - dues[at - 1]! !== stepMs);
    world.claim(`schedule ${name} has no gap (${gap > 0 ? new Date(dues[gap]!).toISOString() : ''})`, gap < 0);
  }
}

const begun = (world: World): Promise<boolean> => world.until(() => world.count('ran') > 10);

/** Waits until more instants have run, so that the fault before is over. */
const goesOn = async (world: World, what: string): Promise<void> => {
  const before = world.count('ran');
  world.claim(`schedules go on after ${what}`, await world.until(() => world.count('ran') > before + 20, 20_000));
};

const withinMs = { short: 120_000, long: 900_000 };

const s01: Scenario = {
  id: 'S01',
  name: 'schedules: five processes, some with clocks that are an hour wrong, are killed',
  withinMs,
  async run(world) {
    // On a slow network, many are killed between the step that stores a message and its put.
    const proxy = await world.proxy();
    proxy.delayMs = () => world.dice.whole(0, 80);
    const crew = crewOf(world, () => ({ url: proxy.url }));
    await begun(world);
    await crew.replaceInTurn({ short: 15, long: 100 }, [100, 600]);
    await goesOn(world, 'the kills');
    await judge(world, { url: world.redis.url });
  },
};

const s04: Scenario = {
  id: 'S04',
  name: 'schedules: calls and their replies are lost',
  withinMs,
  async run(world) {
    const proxy = await world.proxy();
    const wanted = world.isLong ? 1_000 : 80;
    const calls = ['fire', 'put-with', 'save-schedule', 'hdel'];
    proxy.rule = losing(world, proxy, { calls, chance: 0.2, most: wanted });
    crewOf(world, () => ({ url: proxy.url }));
    await begun(world);
    await world.until(() => proxy.faults() >= wanted, withinMs.long / 2);
    world.figures['lost calls and replies'] = proxy.faults();
    await goesOn(world, 'the losses');
    await judge(world, { url: world.redis.url });
  },
};

const s08: Scenario = {
  id: 'S08',
  name: 'schedules: Redis is killed and started again',
  durability: 'always',
  withinMs,
  async run(world) {
    const road = { url: world.redis.url };
    const crew = crewOf(world, () => road);
    await begun(world);
    for (let round = 0; round < (world.isLong ? 20 : 3); round += 1) {
      await pause(world.dice.whole(300, 1_000));
      await world.redis.kill();
      await pause(world.dice.whole(0, 1_500));
      await world.redis.start();
      await goesOn(world, 'the restart of Redis');
      await crew.replaceOne();
    }
    await judge(world, road);
  },
};

const s11: Scenario = {
  id: 'S11',
  name: 'schedules: a planned failover of Sentinel, then the master is killed',
  withinMs: { short: 180_000, long: 900_000 },
  async run(world) {
    const group = await SentinelGroup.start(path.join(world.place, 'sentinel'));
    world.atEnd(() => group.close());
    world.direct = group.master.client;
    const crew = crewOf(world, () => group.road);
    await begun(world);
    world.fault('handing-over');
    await group.handOver();
    world.direct = group.master.client;
    await goesOn(world, 'the planned failover');
    await crew.replaceOne();
    for (let round = 0; round < (world.isLong ? 5 : 1); round += 1) {
      await group.settled();
      const former = group.master;
      await former.kill();
      world.fault('redis-kill', { target: `port ${former.port}` });
      await group.promoted();
      world.direct = group.master.client;
      await goesOn(world, 'the promotion');
      await group.rejoin(former);
    }
    // What only the old master had is lost: a schedule may be set back, and puts an instant again whose id is lost too.
    await judge(world, group.road, true);
  },
};

const s13: Scenario = {
  id: 'S13',
  name: 'schedules on a cluster of three masters: the master of the queue hands over and is killed, and so are processes',
  withinMs: { short: 180_000, long: 900_000 },
  async run(world) {
    const cluster = await ClusterNodes.start(path.join(world.place, 'cluster'));
    world.atEnd(() => cluster.close());
    const key = `hotqueue:${queueName}`;
    const follow = async (): Promise<void> => void (world.direct = (await cluster.owner(key)).client);
    await follow();
    const crew = crewOf(world, () => cluster.road);
    await begun(world);
    for (let round = 0; round < (world.isLong ? 10 : 2); round += 1) {
      await crew.replaceOne();
      world.fault('handing-over');
      await cluster.handOver(key);
      await follow();
      await goesOn(world, 'the planned failover');
      await cluster.settled();
    }
    const former = await cluster.owner(key);
    await former.kill();
    world.fault('redis-kill', { target: `port ${former.port}` });
    await follow();
    await goesOn(world, 'the promotion');
    await crew.replaceOne();
    await former.start();
    await cluster.settled();
    // What only the old master had is lost: a schedule may be set back, and puts an instant again whose id is lost too.
    await judge(world, cluster.road, true);
  },
};

const s14: Scenario = {
  id: 'S14',
  name: 'schedules: processes whose clocks libfaketime sets an hour wrong are killed',
  withinMs,
  async run(world) {
    const library = libfaketime();
    if (library === undefined) {
      world.skipped = 'libfaketime is not installed (apt-get install libfaketime)';
      return;
    }
    const road = { url: world.redis.url };
    const hours = [1, -1, 0, 1, -1];
    const crew = new Crew(world, hours.length, (index) => {
      const task: ScheduleTask = {
        ...{ folder: path.join(world.place, 'history'), proc: world.name('scheduler'), queue: queueName },
        ...{ road, clockMs: 0 },
      };
      const child = world.spawn('schedule-process', task, wrongClock(library, hours[index % hours.length]!));
      return { proc: task.proc, child };
    });
    await begun(world);
    await crew.replaceInTurn({ short: 10, long: 60 }, [100, 600]);
    await goesOn(world, 'the kills');
    const errors = world.entries().flatMap(({ f, due }) => (f === 'up' ? [(due! - Date.now()) / hourMs] : []));
    const isThere = (hour: number): boolean => errors.some((error) => Math.abs(error - hour) < 0.2);
    world.claim('clocks are an hour ahead, and an hour behind', isThere(1) && isThere(-1) && isThere(0));
    await judge(world, road);
  },
};

export const scheduleScenarios = [s01, s04, s08, s11, s13, s14];
