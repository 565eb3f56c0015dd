import { setTimeout as pause } from 'node:timers/promises';
import { HotQueue } from 'hotqueue';
import { expect, it } from 'vitest';
import { until } from '../support/facts.js';
import { monitored } from '../support/monitor.js';
import { realProgram, startRedis } from '../support/servers.js';
import { aBoard } from './board.js';
import { aTab } from './tab.js';

const seconds = 12;

/** How many commands clients send to a server meanwhile; those that scripts call are not counted. */
async function commandsIn(url: string, work: () => Promise<void>): Promise<number> {
  const monitor = await monitored(url);
  await work();
  monitor.close();
  return monitor.commands.filter(({ source, args }) => source !== 'lua' && !/^(ping|info)$/i.test(args[0]!)).length;
}

it('with 50 queues, a tab costs less than 20 commands a second, ten tabs hardly more, and none costs nothing', async () => {
  const server = await startRedis(await realProgram());
  const queues = Array.from(
    { length: 50 },
    (_, number) => new HotQueue(`queue-${number}`, { url: server.url, logger: false }),
  );
  await Promise.all(queues.map((queue) => queue.put(1)));
  const board = aBoard({ url: server.url });
  try {
    const counts: number[] = [];
    for (const query of [[''], ['?queue=queue-1'], Array.from({ length: 10 }, (_, n) => `?queue=queue-${n}`)]) {
      const tabs = query.map((one) => aTab(board, one));
      await until(() => tabs.every(({ updates }) => updates.length > 0));
      counts.push(await commandsIn(server.url, () => pause(seconds * 1_000)));
      tabs.forEach((tab) => tab.close());
    }
    await pause(2_000); // the last pass may be under way
    const idle = await commandsIn(server.url, () => pause(5_000));
    // eslint-disable-next-line no-console
    console.log(`commands a second: ${counts.map((count) => (count / seconds).toFixed(1)).join(', ')}; idle ${idle}`);
    for (const count of counts) expect(count / seconds).toBeLessThan(20);
    expect(idle).toBe(0);
  } finally {
    await board.close();
    await Promise.all(queues.map((queue) => queue.close()));
    await server.stop();
  }
});
