/**
 * A new version replaces the old one while orders keep coming. It replaces one process after the other: the old one gets
 * SIGTERM when the new one takes messages. At the end, it checks that every order is shipped, dead or still in the queue.
 *
 *     node --import @oxc-node/core/register examples/deploy/deploy.ts [processes, 3]
 */
import { setTimeout } from 'node:timers/promises';
import { WorkerProcess } from './fleet.js';
import { orders, receipts } from './orders.js';

const processes = Number(process.argv[2] ?? 3);
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());

/** Puts orders until `until` aborts. @returns their number */
async function sell(until: AbortSignal): Promise<number> {
  for (let number = 1; ; number++) {
    await orders.put({ number });
    if (until.aborted) return number;
    await setTimeout(2);
  }
}

/** For each process of version 1: starts one of version 2, waits until it takes messages, then stops the old one. The number of workers never falls. */
async function roll(fleet: Set<WorkerProcess>): Promise<void> {
  for (const old of [...fleet]) {
    interrupted.signal.throwIfAborted();
    const successor = new WorkerProcess(old.name.replace('v1', 'v2'), 2);
    fleet.add(successor);
    await successor.ready();
    const code = await old.retire();
    fleet.delete(old);
    console.log(`${successor.name} takes messages, ${old.name} exited with ${code}`);
    if (code !== 0) throw new Error(`${old.name} exited with ${code}, expected 0`);
  }
}

/** Resolves when no order is left, or after a signal. */
async function emptied(): Promise<void> {
  const { signal } = interrupted;
  await orders.drained({ delayed: true, signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}

async function books(put: number): Promise<boolean> {
  const shipped = new Map<number, number>();
  const byVersion = [0, 0, 0];
  const parcels = await receipts.size();
  for await (const { number, version } of receipts.consume({ limit: parcels, idleTimeout: '1s' })) {
    shipped.set(number, (shipped.get(number) ?? 0) + 1);
    byVersion[version]! += 1;
  }
  const { waiting, delayed, active, dead } = await orders.counts();
  const there = waiting + delayed + active;
  const lost = put - shipped.size - dead - there;
  console.log(`put ${put} = shipped ${shipped.size} + dead ${dead} + still in the queue ${there}`);
  console.log(
    `shipped by version 1: ${byVersion[1]}, by version 2: ${byVersion[2]}, twice: ${parcels - shipped.size}, lost: ${lost}`,
  );
  return lost === 0 && parcels === shipped.size;
}

const fleet = new Set(Array.from({ length: processes }, (_, index) => new WorkerProcess(`v1-${index + 1}`, 1)));
const closing = new AbortController();
try {
  await Promise.all([...fleet].map((one) => one.ready()));
  const selling = sell(closing.signal);
  await roll(fleet);
  closing.abort();
  const put = await selling;
  await emptied();
  await Promise.all([...fleet].map((one) => one.retire()));
  process.exitCode = (await books(put)) ? 0 : 1;
} catch (error) {
  if (!interrupted.signal.aborted) throw error;
  process.exitCode = 130;
} finally {
  closing.abort();
  await Promise.all([...fleet].map((one) => one.retire()));
  await Promise.all([orders.clear(), receipts.clear()]);
  await Promise.all([orders.close(), receipts.close()]);
}
