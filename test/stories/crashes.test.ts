import { describe, expect, it } from 'vitest';
import type { HotQueue } from 'hotqueue';
import { aChild, type Child } from '../support/child.js';
import { until } from '../support/facts.js';
import { aQueue, redis } from '../support/queue.js';

/** Longer than a test: what comes back earlier was given back. */
const longLease = 600_000;

/** Runs the queues `long`, whose handler never ends, and `short`, whose handler is `body`. */
const workers = (long: HotQueue, short: HotQueue, lease: number, body: string, more = ''): Child =>
  aChild(`
    import { HotQueue, run } from 'hotqueue';
    const options = { lease: ${lease} };
    const long = new HotQueue('${long.name}', options);
    const short = new HotQueue('${short.name}', options);
    ${more}
    await run([
      long.worker((item) => (console.log('long', item), new Promise(() => undefined)), { concurrency: 5 }),
      short.worker(async (item) => { console.log('short', item); ${body} }, { concurrency: 5 }),
    ]);
  `);

/** Crashes that the messages of a queue count, and which are dead. */
async function crashes(queue: HotQueue): Promise<{ waiting: number[]; dead: number }> {
  const lists = ['', ':high', ':low', ':inbox', ':requeued', ':quarantine'].map((list) =>
    list === '' ? queue.key : `{${queue.key}}${list}`,
  );
  const messages = (await Promise.all(lists.map((list) => redis().lrange(list, 0, -1)))).flat();
  const waiting = messages.map((message) => Number(/^#\S+ \d+ (\d+)/.exec(message)?.[1] ?? 0));
  return { waiting, dead: await queue.dead.size() };
}

/** Starts workers again and again until `short` is empty, at most `most` times. @returns how many processes died */
async function dieUntilDone(long: HotQueue, short: HotQueue, body: string, most: number): Promise<number> {
  let deaths = 0;
  while (deaths < most) {
    const child = workers(long, short, 1_000, body);
    const isDone = async (): Promise<boolean> => {
      const { waiting, active } = await short.counts();
      return waiting + active === 0 && child.lines.includes('long innocent');
    };
    const end = await Promise.race([child.ended, until(isDone, Boolean, 25_000).then(() => 'done' as const)]);
    if (end === 'done') {
      await child.kill('SIGKILL');
      break;
    }
    deaths += 1;
  }
  return deaths;
}

const float = 'setTimeout(() => { throw new Error("too late"); }, 50);';

describe('a process that an error ends', () => {
  it('whose cause is a finished message of another queue costs a running message one crash at most', async () => {
    const [long, short] = [aQueue({ lease: 1_000 }), aQueue({ lease: 1_000 })];
    await long.put('innocent');
    for (let death = 1; death <= 4; death++) {
      const child = workers(long, short, 1_000, float);
      await until(() => child.lines.includes('long innocent'));
      await short.put(`message ${death}`);
      expect(await child.ended).toBe(1);
    }
    await until(
      () => long.counts(),
      ({ active }) => active === 0,
    ).catch(() => undefined);
    const { waiting, dead } = await crashes(long);
    expect(dead).toBe(0);
    expect(waiting.every((count) => count <= 1)).toBe(true);
    expect(await short.counts()).toMatchObject({ waiting: 0, active: 0, dead: 0 });
  }, 90_000);

  it('whose cause is a message that still runs buries it after three deaths, and no other', async () => {
    const [long, short] = [aQueue({ lease: 1_000 }), aQueue({ lease: 1_000 })];
    await long.put('innocent');
    await short.put('poison', 'neighbour');
    const deaths = await dieUntilDone(
      long,
      short,
      `if (item === 'poison') { ${float} } await new Promise((resolve) => setTimeout(resolve, 300));`,
      6,
    );
    expect(deaths).toBe(3);
    expect((await short.dead.list()).map(({ reason }) => reason)).toEqual(['its worker died 3 times']);
    expect((await crashes(long)).dead).toBe(0);
  }, 120_000);
});

describe('a process that ends in good order', () => {
  it.each<[string, string, (child: Child) => void, number | NodeJS.Signals]>([
    ['by process.exit(0)', 'process.exit(0);', () => undefined, 0],
    ['by an exit code of a signal', 'process.exit(143);', () => undefined, 143],
  ])('%s gives its messages back at once, and counts no crash', async (_what, body, end, code) => {
    const [long, short] = [aQueue({ lease: longLease }), aQueue({ lease: longLease })];
    await long.put('a', 'b');
    const child = workers(long, short, longLease, body);
    await until(
      () => [child.lines, child.stderr],
      () => child.lines.includes('long a') && child.lines.includes('long b'),
    );
    await short.put('end');
    end(child);
    expect(await child.ended).toBe(code);
    expect(await long.counts()).toMatchObject({ waiting: 2, active: 0, workers: 0 });
    expect(await short.counts()).toMatchObject({ waiting: 1, active: 0, workers: 0 });
    for (const queue of [long, short]) expect((await crashes(queue)).waiting.every((count) => count === 0)).toBe(true);
  });

  it.each(['SIGHUP', 'SIGQUIT', 'SIGUSR2'] as const)('by %s stops as by SIGTERM', async (signal) => {
    const [long, short] = [aQueue({ lease: longLease }), aQueue({ lease: longLease })];
    await long.put('a');
    const child = workers(long, short, longLease, '');
    await until(() => child.lines.includes('long a'));
    child.signal(signal);
    await until(() => child.stderr.includes(`${signal}: stopping, 1 running; send it again to force`));
    child.signal(signal);
    expect(await child.ended).toBe(signal);
    expect(await long.counts()).toMatchObject({ waiting: 1, active: 0, workers: 0 });
    expect((await crashes(long)).waiting).toEqual([0]);
  });

  it('does not end by SIGHUP if the program listens for it too', async () => {
    const [long, short] = [aQueue(), aQueue()];
    await long.put('a');
    const child = workers(long, short, 30_000, '', "process.on('SIGHUP', () => console.log('settings read'));");
    await until(() => child.lines.includes('long a'));
    child.signal('SIGHUP');
    await until(() => child.lines.includes('settings read'));
    await short.put('b');
    await until(() => child.lines.includes('short b'));
    expect(child.stderr).toBe('');
  });
});
