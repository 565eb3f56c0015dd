/**
 * A new version goes live while orders keep coming: one process after the other is replaced, SIGTERM for each old one when
 * its successor takes messages. Then the books: every order that was put is shipped, or dead, or still there.
 *
 *     node --import @oxc-node/core/register examples/deploy/deploy.ts [processes, 3]
 */
import { setTimeout } from 'node:timers/promises';
import { WorkerProcess } from './fleet.js';
import { orders, receipts } from './orders.js';

const processes = Number(process.argv[2] ?? 3);
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());

/** Puts order after order until it is told to stop. @returns how many */
async function sell(until: AbortSignal): Promise<number> {
  for (let number = 1; ; number++) {
    await orders.put({ number });
    if (until.aborted) return number;
    await setTimeout(2);
  }
}

/** Starts one of version 2, waits until it takes messages, then retires one of version 1: never fewer than before. */
async function roll(fleet: Set<WorkerProcess>): Promise<void> {
  for (const old of [...fleet]) {
    interrupted.signal.throwIfAborted();
    const successor = new WorkerProcess(old.name.replace('v1', 'v2'), 2);
    fleet.add(successor);
    await successor.ready();
    const code = await old.retire();
    fleet.delete(old);
    console.log(`${successor.name} is at work, ${old.name} has ended with ${code}`);
    if (code !== 0) throw new Error(`${old.name} was to end with 0`);
  }
}

async function emptied(): Promise<void> {
  for (;;) {
    const { waiting, delayed, claimed } = await orders.counts();
    if (waiting + delayed + claimed === 0 || interrupted.signal.aborted) return;
    await setTimeout(50);
  }
}

async function books(put: number): Promise<boolean> {
  const shipped = new Map<number, number>();
  const byVersion = [0, 0, 0];
  const parcels = await receipts.size();
  for await (const { number, version } of receipts.consume({ limit: parcels, timeout: '1s' })) {
    shipped.set(number, (shipped.get(number) ?? 0) + 1);
    byVersion[version]! += 1;
  }
  const { waiting, delayed, claimed, dead } = await orders.counts();
  const there = waiting + delayed + claimed;
  const lost = put - shipped.size - dead - there;
  console.log(`put ${put} = shipped ${shipped.size} + dead ${dead} + still there ${there}`);
  console.log(`shipped by version 1: ${byVersion[1]}, by version 2: ${byVersion[2]}, twice: ${parcels - shipped.size}, lost: ${lost}`);
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
