import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Load } from '../history.js';
import type { Scenario } from '../scenario.js';
import type { World } from '../world.js';

const leaseMs = 1_000;

const started = (world: World, proc: string, { key }: Load): boolean =>
  world.entries().some((entry) => entry.f === 'start' && entry.proc === proc && entry.key === key);

const f41: Scenario = {
  id: 'F41',
  name: 'errors of finished messages of another queue end a process: a running message is never buried',
  withinMs: { short: 120_000, long: 600_000 },
  async run(world) {
    const deaths = world.isLong ? 20 : 5;
    const queues = { jobs: world.queue({ lease: leaseMs }), other: world.queue({ name: 'other', lease: leaseMs }) };
    const gate = path.join(world.place, world.name('gate'));
    const innocent = world.load(0, `hold:${gate}`);
    await world.put(queues.jobs, innocent);
    for (let death = 1; death <= deaths; death++) {
      const worker = world.worker({ also: ['other'], leaseMs, concurrency: 5 });
      await world.until(() => started(world, worker.proc, innocent), 20_000);
      world.claim(`the innocent message runs again after death ${death - 1}`, started(world, worker.proc, innocent));
      await world.put(queues.other, world.load(0, 'float'));
      await worker.child.ended;
      world.fault('kill', { target: worker.proc });
    }
    const { dead } = await world.look();
    world.claim('no message is dead', dead.length === 0);
    writeFileSync(gate, '');
    const last = world.worker({ leaseMs, concurrency: 5 });
    await world.drained();
    await last.stop();
  },
};

export const exitScenarios = [f41];
