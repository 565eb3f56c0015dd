import { HotQueue } from 'hotqueue';
import { expect, it } from 'vitest';
import { until } from '../support/facts.js';
import { freePorts } from '../support/ports.js';
import { aName, aQueue } from '../support/queue.js';
import { realProgram, startRedis } from '../support/servers.js';
import { warningsDuring } from '../support/warnings.js';
import { aBoard, act } from './board.js';
import { aTab } from './tab.js';

it('a tab gets all queues first, then only what changed', async () => {
  const [one, other] = [aQueue(), aQueue()];
  await Promise.all([one.put(1), other.put(1)]);
  const board = aBoard({ queues: [one.name, other.name] });
  const tab = aTab(board);
  await until(() => tab.updates.flatMap(({ queues }) => queues).length >= 2);
  // Rates become known with the second pass; after that nothing changes.
  await until(() => tab.updates.at(-1)?.queues[0]?.rates !== null);
  const before = tab.updates.length;
  await one.put(2);
  const update = await until(() =>
    tab.updates.slice(before).find(({ queues }) => queues.some(({ waiting }) => waiting === 2)),
  );
  expect(update!.queues.find(({ waiting }) => waiting === 2)!.name).toBe(one.name);
  tab.close();
});

it('an action is seen in every tab at once, and a tab of one queue gets its samples and workers', async () => {
  const queue = aQueue();
  await queue.put(1);
  const board = aBoard({ queues: [queue.name] });
  const tabs = [aTab(board), aTab(board, `?queue=${queue.name}`)];
  await until(() => tabs.every(({ updates }) => updates.length > 0));
  await act(board, `/api/queues/${queue.name}/pause`);
  for (const { updates } of tabs)
    await until(() => updates.some(({ queues }) => queues.some(({ isPaused }) => isPaused)));
  await until(() => tabs[1]!.updates.flatMap(({ queue: detail }) => detail?.samples ?? []).length >= 3);
  const samples = tabs[1]!.updates.flatMap(({ queue: detail }) => detail?.samples ?? []);
  expect(samples.map(({ at }) => at)).toEqual([...new Set(samples.map(({ at }) => at))].sort((a, b) => a - b));
  tabs.forEach((tab) => tab.close());
});

it('30 tabs at once give no warning', async () => {
  const board = aBoard({ queues: [aName()] });
  const warnings = await warningsDuring(async () => {
    const tabs = Array.from({ length: 30 }, () => aTab(board));
    await until(() => tabs.every(({ events }) => events > 0));
    await board.close();
    await until(() => tabs.every(({ isEnded }) => isEnded));
  });
  expect(warnings).toEqual([]);
});

it('close ends the streams', async () => {
  const board = aBoard({ queues: [aName()] });
  const tab = aTab(board);
  await until(() => tab.events > 0);
  await board.close();
  await until(() => tab.isEnded);
});

it('while Redis is away, tabs are told so, and they recover by themselves', async () => {
  const program = await realProgram();
  const [port] = await freePorts(1);
  const settings = ['--port', String(port), '--bind', '127.0.0.1'];
  const server = await startRedis(program, settings);
  const board = aBoard({ url: `redis://127.0.0.1:${port}`, queues: ['orders'] });
  const tab = aTab(board);
  await until(() => tab.updates.at(-1)?.redis.isUp === true);
  await server.stop();
  const down = await until(() => tab.updates.find(({ redis }) => !redis.isUp));
  expect(down!.redis.error).toContain(`127.0.0.1:${port}`);
  const again = await startRedis(program, settings);
  try {
    const queue = new HotQueue('orders', { url: `redis://127.0.0.1:${port}`, logger: false });
    await queue.put(1);
    await until(() => tab.updates.at(-1)?.redis.isUp === true);
    await until(() => tab.updates.some(({ queues }) => queues.some(({ waiting }) => waiting === 1)));
    await queue.close();
    tab.close();
    await board.close();
  } finally {
    await again.stop();
  }
});
