import { expect, it } from 'vitest';
import type { HistoryEntry, HotQueue } from 'hotqueue';
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

it('yields new entries of another process, and ends with its signal, at once and with its connection', async () => {
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
  expect(verbsOf(entries)).toEqual(['put', 'take', 'take', 'ack', 'ack'].sort(() => 0));
  const before = performance.now();
  await end();
  expect(performance.now() - before).toBeLessThan(4_000); // a read blocks for 5 s
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

it('another consumer takes over what a dead one had', { timeout: 60_000 }, async () => {
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
  await until(() => entries.length === 3, Boolean, 30_000);
  expect(entries[0]!.id).toBe(a!.id);
  await end();
});

it(
  'an entry whose loop takes longer than claimAfter for those before it stays with its consumer',
  { timeout: 60_000 },
  async () => {
    const queue = aQueue({ history });
    await queue.put('a', 'b', 'c');
    const isOver = latch();
    const slow: string[] = [];
    const loop = (async () => {
      for await (const { id } of queue.history.follow({ group: 'g', consumer: 'slow', since: 0, claimAfter: '3s' })) {
        slow.push(id);
        if (slow.length < 3) await new Promise((resolve) => setTimeout(resolve, 1_800));
        else break;
      }
      isOver.open();
    })();
    await until(() => slow.length === 1);
    const other = following(queue, { group: 'g', consumer: 'other', claimAfter: '3s' });
    await isOver;
    await loop;
    expect(other.entries).toEqual([]);
    await other.end();
  },
);

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
