import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { blockMs } from '../../../src/redis/redis-client.js';
import type { Load } from '../history.js';
import type { Scenario } from '../scenario.js';
import type { World } from '../world.js';

const leaseMs = 1_500;

const startsOf = (world: World, { key }: Load): number =>
  world.entries().filter((entry) => entry.f === 'start' && entry.key === key).length;

/** Starts two workers and gives one of them a message whose handler blocks the event loop. @returns the worker that has it, and both */
async function blocked(world: World, load: Load) {
  const workers = [1, 2].map(() => world.worker({ leaseMs, concurrency: 1 }));
  await world.until(() => workers.every(({ proc }) => world.count('up', proc) > 0));
  await world.put(world.queue({ lease: leaseMs }), load);
  await world.until(() => startsOf(world, load) === 1);
  const holder = workers.find(({ proc }) => world.count('start', proc) > 0)!;
  return { holder, all: workers };
}

const f40: Scenario = {
  id: 'F40',
  name: 'a handler computes for three leases: its message runs once, is acknowledged, and counts no crash',
  async run(world) {
    world.allowed = { noRecovery: true };
    for (let round = 0; round < (world.isLong ? 10 : 1); round++) {
      const load = world.load(3 * leaseMs, 'stall');
      const { holder, all } = await blocked(world, load);
      const isAcked = (): boolean => world.entries().some(({ f, proc }) => f === 'ack' && proc === holder.proc);
      world.claim('the message is acknowledged', await world.until(isAcked));
      world.claim('it ran once', startsOf(world, load) === 1);
      const warnings = (): number =>
        world
          .entries()
          .filter(({ f, proc, text }) => f === 'warn' && proc === holder.proc && /blocked the event/.test(text ?? ''))
          .length;
      world.claim('there is one warning', (await world.until(() => warnings() > 0)) && warnings() === 1);
      world.claim('its signal is not aborted', world.count('aborted', holder.proc) === 0);
      for (const { proc } of world.entries().filter(({ f }) => f === 'lost'))
        world.claim(`${proc} keeps its lease`, false);
      await world.drained();
      await Promise.all(all.map((worker) => worker.stop()));
    }
  },
};

const f40k: Scenario = {
  id: 'F40k',
  name: 'a process that computes is killed or frozen: its message is back soon after its lease',
  async run(world) {
    for (const end of ['kill', 'freeze'] as const) {
      const gate = path.join(world.place, world.name('gate'));
      const load = world.load(0, `stall:${gate}`);
      const { holder, all } = await blocked(world, load);
      const since = world.now();
      await world.until(() => world.now() - since > 2 * leaseMs);
      world.claim('the message stays with the process while it computes', startsOf(world, load) === 1);
      await holder[end]();
      await world.soon(`the message is back after ${end}`, leaseMs + 1_000, async () => {
        const { waiting, active, dead } = await world.look();
        return startsOf(world, load) > 1 || waiting.length > 0 || (active.length === 0 && dead.length > 0);
      });
      writeFileSync(gate, '');
      await world.drained();
      if (end === 'freeze') holder.thaw();
      await Promise.all(all.filter((worker) => end === 'freeze' || worker !== holder).map((worker) => worker.stop()));
    }
  },
};

const f44: Scenario = {
  id: 'F44',
  name: 'a worker is frozen beyond its lease, and its handler ends well: this is no crash of its message',
  withinMs: { short: 120_000, long: 600_000 },
  async run(world) {
    for (let round = 0; round < (world.isLong ? 20 : 3); round++) {
      const gate = path.join(world.place, world.name('gate'));
      const load = world.load(0, `hold:${gate}`);
      const workers = [1, 2].map(() => world.worker({ leaseMs, concurrency: 1 }));
      await world.until(() => workers.every(({ proc }) => world.count('up', proc) > 0));
      await world.putQuarantined('jobs', load); // one more crash buries it
      await world.put(world.queue({ lease: leaseMs }), world.load()); // wakes a worker
      await world.until(() => startsOf(world, load) === 1);
      const holder = workers.find(({ proc }) =>
        world.entries().some(({ f, key, proc: by }) => f === 'start' && key === load.key && by === proc),
      )!;
      holder.freeze();
      world.claim('the message is buried', await world.until(async () => (await world.look()).dead.includes(load.key)));
      writeFileSync(gate, '');
      holder.thaw();
      const isGone = await world.until(async () => !(await world.look()).dead.includes(load.key));
      world.claim('its dead letter is deleted when its work is done', isGone);
      await world.drained();
      await Promise.all(workers.map((worker) => worker.stop()));
    }
  },
};

const f40o: Scenario = {
  id: 'F40o',
  name: 'a process computes for one queue: an idle process soon handles the messages of its other queue',
  async run(world) {
    world.allowed = { noRecovery: true };
    const gate = path.join(world.place, world.name('gate'));
    const busy = world.worker({ also: ['other'], leaseMs: 30_000, concurrency: 1 });
    const idle = world.worker({ queue: 'other', leaseMs: 30_000, concurrency: 1 });
    const queues = { jobs: world.queue({}), other: world.queue({ name: 'other' }) };
    const areIdle = async (): Promise<boolean> =>
      ((await world.direct.client('LIST')) as string).split('cmd=blmove').length - 1 === 3;
    world.claim('both processes wait for messages', await world.until(areIdle));
    const load = world.load(0, `stall:${gate}`);
    await world.put(queues.jobs, load);
    await world.until(() => startsOf(world, load) === 1);
    const others = Array.from({ length: 4 }, () => world.load());
    await world.put(queues.other, ...others);
    await world.soon('the idle process has handled all of them', blockMs + 1_000, () =>
      others.every(({ key }) =>
        world.entries().some((entry) => entry.f === 'end' && entry.key === key && entry.proc === idle.proc),
      ),
    );
    writeFileSync(gate, '');
    await world.drained();
    await Promise.all([busy, idle].map((worker) => worker.stop()));
  },
};

const f43: Scenario = {
  id: 'F43',
  name: 'a handler computes: messages that its worker took with it and has not begun go to an idle process',
  async run(world) {
    world.allowed = { noRecovery: true };
    const gate = path.join(world.place, world.name('gate'));
    const busy = world.worker({ leaseMs: 30_000, concurrency: 5 });
    const queue = world.queue({});
    const isWaiting = async (): Promise<boolean> =>
      ((await world.direct.client('LIST')) as string).includes('cmd=blmove');
    world.claim('the process waits for messages', await world.until(isWaiting));
    const load = world.load(0, `stall:${gate}`);
    const others = Array.from({ length: 4 }, () => world.load());
    await world.put(queue, load, ...others);
    await world.until(() => startsOf(world, load) === 1);
    const since = world.now();
    const idle = world.worker({ leaseMs: 30_000, concurrency: 5 });
    const areDone = (): boolean =>
      others.every(({ key }) =>
        world.entries().some((entry) => entry.f === 'end' && entry.key === key && entry.proc === idle.proc),
      );
    world.claim('the idle process handles the others while the handler computes', await world.until(areDone));
    world.figures['done after, ms'] = Math.round(world.now() - since);
    writeFileSync(gate, '');
    await world.drained();
    await Promise.all([busy, idle].map((worker) => worker.stop()));
  },
};

export const blockingScenarios = [f40, f40k, f40o, f43, f44];
