import { expect, it } from 'vitest';
import type { HistoryEntry, HotQueue } from 'hotqueue';
import { Waiting } from '../../src/history/waiting.js';
import { aChild } from '../support/child.js';
import { latch, until } from '../support/facts.js';
import { aQueue, redis } from '../support/queue.js';

const history = { max: 10_000 };
const streamOf = (queue: HotQueue): string => `{${queue.key}}:history`;
const verbsOf = (entries: readonly HistoryEntry[]): string[] => entries.map(({ verb }) => verb);

/** Reads in the background, until the test aborts it. */
function following(queue: HotQueue, options: object = {}): { entries: HistoryEntry[]; end: () => Promise<void> } {
  const [entries, controller] = [[] as HistoryEntry[], new AbortController()];
  const loop = (async () => {
    for await (const entry of queue.history.follow({ ...options, signal: controller.signal })) entries.push(entry);
  })();
  return {
    entries,
    end: async () => {
      controller.abort();
      await loop;
    },
  };
}

const blocked = async (queue: HotQueue, count = 1): Promise<void> => {
  await until(
    () => redis().client('LIST') as Promise<string>,
    (list) =>
      list.split('\n').filter((line) => /cmd=xread(group)? /.test(line) && / flags=\S*b/.test(line)).length >= count,
  );
  expect(queue.name).not.toBe('');
};

it('yields new entries of another process, and ends with its signal and its connection', async () => {
  const queue = aQueue({ history });
  await queue.put('before');
  const { entries, end } = following(queue);
  await blocked(queue);
  const child = aChild(`
    import { HotQueue } from 'hotqueue';
    const queue = new HotQueue('${queue.name}');
    await queue.put('x');
    for await (const _ of queue.consume({ limit: 2 }));
    await queue.close();`);
  expect(await child.ended).toBe(0);
  await until(() => entries.length === 5);
  expect(verbsOf(entries)).toEqual(['put', 'take', 'take', 'ack', 'ack']);
  await end();
});

it('the signal ends a blocked read by closing its connection, and does not wait for its reply', async () => {
  const [isBlocked, isClosed] = [latch(), latch()];
  const line = { close: () => Promise.resolve(isClosed.open()) };
  const controller = new AbortController();
  const waiting = new Waiting({ openLine: () => Promise.resolve(line) } as never, controller.signal);
  const reading = waiting.read(
    async () => {
      isBlocked.open();
      await isClosed; // the reply never comes
      throw new Error('the connection is closed');
    },
    () => Promise.resolve(['asked']),
  );
  await isBlocked;
  controller.abort();
  expect(await reading).toEqual([]);
});

it('begins at a time, or after an entry, and ends with break and with close', async () => {
  const queue = aQueue({ history });
  await queue.put('a', 'b', 'c');
  const [first] = await queue.history.read();
  const seen: string[] = [];
  for await (const { key } of queue.history.follow({ since: first!.key })) {
    seen.push(key);
    if (seen.length === 2) break;
  }
  expect(seen).toEqual((await queue.history.read()).slice(1).map(({ key }) => key));
  for await (const { key } of queue.history.follow({ since: first!.at })) {
    expect(key).toBe(first!.key);
    break;
  }
  const { entries } = following(queue, { since: '1h' });
  await until(() => entries.length === 3);
  await queue.close();
});

it('misses no entry when its connection is cut', async () => {
  const queue = aQueue({ history });
  const { entries, end } = following(queue);
  await blocked(queue);
  const list = (await redis().client('LIST')) as string;
  for (const line of list.split('\n').filter((each) => / cmd=xread /.test(each)))
    await redis()
      .client('KILL', 'ID', /id=(\d+)/.exec(line)![1]!)
      .catch(() => undefined);
  const jobs = await queue.put(1, 2, 3);
  await until(() => entries.length >= 3);
  expect(entries.map(({ id }) => id)).toEqual(jobs.map(({ id }) => id));
  await end();
});

it('a group shares the entries among its consumers, and acknowledges what a loop went on from', async () => {
  const queue = aQueue({ history });
  const one = following(queue, { group: 'g', consumer: 'one' });
  const two = following(queue, { group: 'g', consumer: 'two' });
  await blocked(queue, 2);
  for (let index = 0; index < 40; index++) await queue.put(index);
  await until(() => one.entries.length + two.entries.length === 40);
  expect(new Set([...one.entries, ...two.entries].map(({ key }) => key)).size).toBe(40);
  await until(
    () => redis().xpending(streamOf(queue), 'g') as Promise<[number]>,
    ([pending]) => pending === 0,
  );
  await Promise.all([one.end(), two.end()]);
});

it('a consumer gets again what its earlier loop left with break', async () => {
  const queue = aQueue({ history });
  await queue.put('a', 'b', 'c');
  const member = { group: 'g', consumer: 'one', since: 0 };
  const seen: string[] = [];
  for await (const { id } of queue.history.follow(member)) {
    seen.push(id);
    if (seen.length === 2) break; // the second one is not acknowledged
  }
  const { entries, end } = following(queue, member);
  await until(() => entries.length === 2);
  expect(entries[0]!.id).toBe(seen[1]);
  await end();
});

it('another consumer takes over what a dead one had', async () => {
  const queue = aQueue({ history });
  const [a] = await queue.put('a', 'b', 'c');
  const child = aChild(`
    import { HotQueue } from 'hotqueue';
    const queue = new HotQueue('${queue.name}');
    for await (const { id } of queue.history.follow({ group: 'g', consumer: 'dying', since: 0 })) {
      console.log(id);
      await new Promise(() => setInterval(() => {}, 1_000));
    }`);
  await until(() => child.lines.length === 1);
  expect(child.lines).toEqual([a!.id]);
  await child.kill('SIGKILL');
  const { entries, end } = following(queue, { group: 'g', consumer: 'heir', claimAfter: '1s' });
  await until(() => entries.length === 3);
  expect(entries[0]!.id).toBe(a!.id);
  await end();
});

/** When Redis delivered each pending entry last, ms by its clock: the time from which `claimAfter` counts. */
async function deliveredAt(queue: HotQueue): Promise<Map<string, number>> {
  const reply = await redis().multi().time().xpending(streamOf(queue), 'g', '-', '+', 10).exec();
  const [[, [seconds, micros]], [, pending]] = reply as [[null, [string, string]], [null, [string, string, number][]]];
  const now = Number(seconds) * 1_000 + Number(micros) / 1_000;
  return new Map(pending.map(([key, , idleMs]) => [key, now - idleMs]));
}

it('entries whose loop takes longer than a third of claimAfter for those before them are kept for their consumer', async () => {
  const queue = aQueue({ history });
  await queue.put('a', 'b', 'c');
  const [a, b, c] = (await queue.history.read()).map(({ key }) => key) as [string, string, string];
  const claimAfterMs = 1_500;
  const seen: string[] = [];
  let first = new Map<string, number>();
  for await (const { key } of queue.history.follow({
    group: 'g',
    consumer: 'slow',
    since: 0,
    claimAfter: claimAfterMs,
  })) {
    seen.push(key);
    if (key === a) {
      first = await deliveredAt(queue);
      const begin = performance.now();
      await until(() => performance.now() - begin > claimAfterMs / 3 + 100);
    }
    if (key === b) {
      const second = await deliveredAt(queue);
      for (const kept of [b, c]) expect(second.get(kept)! - first.get(kept)!).toBeGreaterThan(claimAfterMs / 3);
      break;
    }
  }
  expect(seen).toEqual([a, b]);
});

it('a group goes on after its queue was removed', async () => {
  const queue = aQueue({ history });
  const { entries, end } = following(queue, { group: 'g', consumer: 'c' });
  await blocked(queue);
  await redis().del(streamOf(queue));
  await until(
    () => redis().exists(streamOf(queue)),
    (exists) => exists === 1,
  );
  await queue.put('later');
  await until(() => entries.length === 1);
  await end();
});
