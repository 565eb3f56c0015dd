import { describe, expect, it, onTestFinished } from 'vitest';
import { start, type Delivery, type HotQueue, type Runner } from 'hotqueue';
import { FaultProxy } from '../chaos/proxy.js';
import { aChild } from '../support/child.js';
import { latch, until, type Latch } from '../support/facts.js';
import { aBroker, aQueue, redis } from '../support/queue.js';
import { redisUrl } from '../support/server.js';
import { aWorker, endLease, places, recovered, retryOf, take } from '../support/takes.js';

const lease = 1_000;
const at = { withinMs: 5_000 };

/** Script of a process that takes messages and never finishes them. `body` runs for each message. */
const holder = (name: string, body = ''): string => `
  import { HotQueue, run } from 'hotqueue';
  const queue = new HotQueue('${name}', { lease: ${lease}, logger: false });
  await run(queue.worker(async (item) => { console.log('began', item); ${body} await new Promise(() => {}); }, { concurrency: 3 }));
`;

describe('a worker that is killed', () => {
  it('loses its messages to the head of the queue, in order; the crash is counted, the attempt is not, also while all workers are idle', async () => {
    const queue = aQueue({ lease });
    await queue.put('a', 'b', 'c');
    const child = aChild(holder(queue.name));
    await until(() => child.lines.length === 3);
    const seen: Delivery[] = [];
    const idle = start(queue.worker((_item, job) => void seen.push(job)));
    await until(
      () => queue.counts(),
      ({ workers }) => workers === 2,
    );
    await child.kill('SIGKILL');
    await until(() => seen.length === 3);
    await idle.stop();
    expect(seen.map(({ payload, attempt }) => [payload, attempt])).toEqual([
      ['a', 1],
      ['b', 1],
      ['c', 1],
    ]);
    expect(await queue.counts()).toMatchObject({ waiting: 0, delayed: 0, active: 0, dead: 0, workers: 0 });
  });

  it('on a plain queue puts no message with a header into the list that Python reads', async () => {
    const queue = aQueue({ lease, wire: 'plain' });
    await queue.put('bare');
    const child = aChild(holder(queue.name).replace('logger', "wire: 'plain', logger"));
    await until(() => child.lines.length === 1);
    await child.kill('SIGKILL');
    for await (const delivery of queue.deliveries({ limit: 1 })) expect(delivery.payload).toBe('bare');
    expect(await redis().lrange(queue.key, 0, -1)).toEqual([]);
  });
});

describe('a payload that kills its process', () => {
  it('is buried after its third crash, and all messages that were active beside it are done', async () => {
    const queue = aQueue({ lease });
    await queue.put('one', 'poison', 'two', 'three');
    const script = `
      import { HotQueue, run } from 'hotqueue';
      const queue = new HotQueue('${queue.name}', { lease: ${lease}, logger: false });
      await run(queue.worker(async (item) => {
        if (item === 'poison') process.kill(process.pid, 'SIGKILL');
        await new Promise((resolve) => setTimeout(resolve, 50));
        console.log('done', item);
      }, { concurrency: 4 }));
    `;
    let deaths = 0;
    let lines: string[] = [];
    while ((await queue.dead.size()) === 0) {
      const child = aChild(script);
      let hasEnded = false;
      void child.ended.then(() => (hasEnded = true));
      await until(async () => hasEnded || (await queue.dead.size()) > 0);
      if (hasEnded) deaths += 1;
      else {
        await until(
          () => queue.counts(),
          ({ waiting, active }) => waiting + active === 0,
        );
        await child.kill('SIGTERM');
      }
      lines = lines.concat(child.lines);
    }
    expect(deaths).toBe(3);
    const [letter] = await queue.dead.list();
    expect(letter).toMatchObject({ reason: 'its worker died 3 times', text: '"poison"' });
    const rest: unknown[] = [];
    for await (const item of queue.consume({ idleTimeout: 50 })) rest.push(item);
    expect(new Set([...lines.map((line) => line.slice('done '.length)), ...rest])).toEqual(
      new Set(['one', 'two', 'three']),
    );
  });
});

describe('a worker that is frozen for longer than its lease', () => {
  it('settles nothing when it thaws, and continues under a new registration', async () => {
    const queue = aQueue({ lease });
    const [job] = [await queue.put('contested')];
    const child = aChild(`
      import { HotQueue, run } from 'hotqueue';
      const queue = new HotQueue('${queue.name}', { lease: ${lease}, logger: false });
      queue.events.on('lost', ({ id }) => console.log('lost', id));
      queue.events.on('ack', ({ id }) => console.log('ack', id));
      await run(queue.worker(async (item, job) => {
        console.log('began', item);
        job.signal.onabort = () => console.log('aborted', item);
        await new Promise((resolve) => setTimeout(resolve, item === 'contested' ? 300 : 0));
      }));
    `);
    await until(() => child.lines.includes('began contested'));
    child.signal('SIGSTOP');
    const taker = queue.deliveries();
    const { value: delivery } = await taker.next();
    expect((delivery as Delivery).id).toBe(job.id);
    child.signal('SIGCONT');
    await until(() => child.lines.includes(`lost ${job.id}`));
    expect(child.lines).not.toContain(`ack ${job.id}`);
    expect(await queue.counts()).toMatchObject({ active: 1 });
    await (delivery as Delivery).ack();
    await taker.return();
    await queue.put('next');
    await until(() => child.lines.includes('began next'));
    expect(await child.kill('SIGTERM')).toBe(0);
  });
});

describe('a worker that Redis does not answer', () => {
  it('aborts its handlers before its lease ends, so before another worker may start their messages', async () => {
    const proxy = await FaultProxy.open(redisUrl().slice('unix://'.length), () => {});
    onTestFinished(() => proxy.close());
    const queue = aQueue({ url: proxy.url, lease: 6_000 });
    const direct = aQueue({ name: queue.name, lease: 6_000 });
    const started = latch<Delivery>();
    await direct.put('a');
    const runner = start(
      queue.worker(async (_item, job) => {
        started.open(job);
        await new Promise((resolve) => job.signal.addEventListener('abort', resolve));
      }),
    );
    const { signal } = await started;
    const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    proxy.greets = 'mute';
    proxy.blackHole();
    await aborted;
    const [worker] = await direct.workers.list();
    const [seconds, micros] = await redis().time();
    // Redis still has its lease: no other worker can have recovered the message.
    expect(worker!.leaseUntil).toBeGreaterThan(Number(seconds) * 1_000 + Number(micros) / 1_000);
    expect(String(signal.reason)).toContain('could not renew its lease in time');
    proxy.greets = 'normal';
    proxy.reset();
    await runner.stop();
  });
});

describe('leases', () => {
  it('are renewed while a handler runs, for any time', async () => {
    const queue = aQueue({ lease });
    await queue.put('slow');
    const attempts: number[] = [];
    const hold = latch();
    const slow = start(
      queue.worker(async (_item, job) => {
        attempts.push(job.attempt);
        await hold;
      }),
    );
    const idle = start(queue.worker(() => void attempts.push(-1)));
    const [worker] = await until(
      () => redis().zrange(`{${queue.key}}:workers`, 0, '-1'),
      (workers) => workers.length === 2,
    );
    const first = Number(await redis().zscore(`{${queue.key}}:workers`, worker!));
    await until(async () => Number(await redis().zscore(`{${queue.key}}:workers`, worker!)) > first + 2 * lease);
    hold.open();
    await slow.stop();
    await idle.stop();
    expect(attempts).toEqual([1]);
  });

  it('do not end while the server is down for all workers', async () => {
    const broker = aBroker();
    await broker.put({ producer: 'producer', number: 1, messages: ['#a 0 0\n1'] }, at);
    await aWorker(broker, 'w');
    const held = await take(broker, 'w', 1);
    // The state after a freeze of the server: the lease is over, and no worker has sent a heartbeat since.
    await redis().zadd(broker.keys.workers, 1, 'w');
    await redis().hset(broker.keys.meta, 'seen', 1);
    expect(await broker.recover('w', 'hotqueue', at)).toEqual({ endsInMs: 10_000 });
    expect(await broker.beat('w', 2, [held], at)).not.toBe('lost');
    held.ack(1);
    expect(await broker.ack('w', [held])).toBe('done');
  });

  it('that ended are recovered once, also if several processes try', async () => {
    const broker = aBroker();
    await broker.put({ producer: 'producer', number: 1, messages: ['#a 0 0\n1', '#b 2 0 a=5\n2', 'bare'] }, at);
    await aWorker(broker, 'w');
    const held = await take(broker, 'w', 1);
    await endLease(broker, 'w');
    expect(await broker.recover('w', 'hotqueue', at)).toEqual({ waiting: 3, quarantined: 0, buried: 0 });
    expect(await broker.recover('w', 'hotqueue', at)).toEqual({ waiting: 0, quarantined: 0, buried: 0 });
    expect(await broker.reader.peek(5, at)).toEqual(['#a 0 1\n1', '#b 2 1 a=5\n2', '#w.b1.3 0 1\nbare']);
    expect(await broker.take('w', 2, 1, at)).toBe('lost');
    held.ack(1);
    expect(await broker.ack('w', [held])).toBe('lost');
    expect(await broker.beat('w', 2, [], at)).toBe('lost');
  });

  it('that are lost are not renewed by a heartbeat; a heartbeat gives back takes that its worker does not know', async () => {
    const broker = aBroker();
    await broker.put({ producer: 'producer', number: 1, messages: ['a', 'b', 'c', 'd'] }, at);
    await aWorker(broker, 'w');
    await take(broker, 'w', 1, 2);
    const second = await take(broker, 'w', 2, 1);
    await broker.beat('w', 3, [second], at);
    expect(await broker.reader.peek(5, at)).toEqual(['a', 'b', 'd']);
    await broker.beat('w', 2, [], at);
    expect(await broker.reader.peek(5, at)).toEqual(['a', 'b', 'd']);
    await broker.leave('w');
    expect(await broker.beat('w', 3, [second], at)).toBe('lost');
    expect(await redis().zcard(broker.keys.workers)).toBe(0);
  });
});

describe('a quarantined message (its workers have died twice)', () => {
  const quarantined = '#quarantined 0 2\n"quarantined"';
  const quarantinedOf = (queue: { readonly key: string }): string => `{${queue.key}}:quarantine`;
  const stopOf = (runner: Runner) => () => runner.stop();
  const addQuarantined = (queue: { readonly key: string }): Promise<number> =>
    redis().rpush(quarantinedOf(queue), quarantined);

  it('is taken first, and runs beside the messages that its worker has started before', async () => {
    const queue = aQueue({ lease });
    const hold = latch();
    const running = new Set<unknown>();
    const done: unknown[] = [];
    await queue.put('a', 'b');
    const runner = start(
      queue.worker(
        async (item) => {
          running.add(item);
          await hold;
          running.delete(item);
          done.push(item);
        },
        { concurrency: 3 },
      ),
    );
    await until(() => running.size === 2);
    await addQuarantined(queue);
    await queue.put('c', 'd'); // wakes the third slot
    await until(() => running.size === 3);
    expect([...running]).toEqual(['a', 'b', 'quarantined']);
    hold.open();
    await until(() => done.length === 5);
    await runner.stop();
    expect(await queue.counts()).toMatchObject({ waiting: 0, active: 0, dead: 0 });
  });

  it('is not taken while its worker has another quarantined message, but beside any other messages', async () => {
    const queue = aQueue({ lease });
    const held = new Map<unknown, Latch>();
    await redis().rpush(quarantinedOf(queue), '#one 0 2\n"one"', '#two 0 2\n"two"');
    await queue.put('a', 'b', 'c');
    const runner = start(
      queue.worker(
        async (item) => {
          const hold = latch();
          held.set(item, hold);
          await hold;
          held.delete(item);
        },
        { concurrency: 4 },
      ),
    );
    await until(() => held.size === 4);
    expect([...held.keys()]).toEqual(['one', 'a', 'b', 'c']);
    held.get('a')!.open();
    await until(() => !held.has('a'));
    // With this message, the worker takes again, and leaves the second quarantined message in the list.
    await queue.put('d');
    await until(() => held.has('d'));
    expect(held.has('two')).toBe(false);
    expect(await redis().llen(quarantinedOf(queue))).toBe(1);
    held.get('one')!.open();
    await until(() => held.has('two'));
    for (const hold of held.values()) hold.open();
    await runner.stop();
  });

  it.each<[string, object]>([
    ['with slots of their own', {}],
    ['with shared slots, fair order', { order: 'fair', concurrency: 2 }],
    ['with shared slots, strict order', { order: 'strict', concurrency: 2 }],
  ])('that runs long delays neither other queues of its process nor stop(): handlers %s', async (_how, sharing) => {
    const [slow, fast] = [aQueue({ lease }), aQueue({ lease })];
    const [began, hold] = [latch(), latch()];
    const aborted = latch();
    const done: unknown[] = [];
    await addQuarantined(slow);
    const slowly = slow.worker(async (_item, job) => {
      job.signal.onabort = () => aborted.open();
      began.open();
      await hold;
    });
    const runner = start([slowly, fast.worker((item) => void done.push(item))], sharing);
    await began;
    await fast.putAll(Array.from({ length: 200 }, (_, index) => index));
    await until(() => done.length === 200);
    expect(await slow.counts()).toMatchObject({ active: 1 });
    await runner.stop({ shutdownTimeout: 50 });
    await aborted;
    expect(await redis().lrange(quarantinedOf(slow), 0, -1)).toEqual([quarantined]); // released unchanged, without another crash
    expect(await slow.counts()).toMatchObject({ active: 0, workers: 0 });
    hold.open();
  });

  it('among forty messages does not lower the concurrency of its worker, and is the only one that is buried', async () => {
    const queue = aQueue({ lease });
    const items = Array.from({ length: 40 }, (_, index) => `item ${index}`);
    await queue.putAll(['poison', ...items]);
    // The poison message waits until all eight slots are busy before it kills the process. If it ran alone, it would wait for ever.
    const script = `
      import { setTimeout as pause } from 'node:timers/promises';
      import { HotQueue, run } from 'hotqueue';
      const queue = new HotQueue('${queue.name}', { lease: ${lease}, logger: false });
      let running = 0;
      await run(queue.worker(async (item) => {
        running += 1;
        if (item === 'poison') {
          while (running < 8) await pause(1);
          console.log('dies among', running);
          process.kill(process.pid, 'SIGKILL');
        }
        await pause(20);
        running -= 1;
        console.log(item);
      }, { concurrency: 8 }));
    `;
    const lines: string[] = [];
    for (let deaths = 1; deaths <= 3; deaths++) {
      const child = aChild(script);
      expect(await child.ended).toBe('SIGKILL');
      expect(child.lines.at(-1)).toBe('dies among 8');
      lines.push(...child.lines);
      await recovered(aBroker(queue.name, lease));
    }
    expect((await queue.dead.list()).map(({ text, reason }) => [text, reason])).toEqual([
      ['"poison"', 'its worker died 3 times'],
    ]);
    const last = aChild(script);
    await until(
      () => queue.counts(),
      ({ waiting, active }) => waiting + active === 0,
    );
    expect(await last.kill('SIGTERM')).toBe(0);
    expect(new Set([...lines, ...last.lines].filter((line) => line.startsWith('item')))).toEqual(new Set(items));
    expect(await queue.dead.size()).toBe(1);
  });

  it('is the only message that counts a crash when its process dies: no other message does, also in other queues', async () => {
    const [slow, other] = [aQueue({ lease }), aQueue({ lease })];
    await addQuarantined(slow);
    await redis().rpush(slow.key, '#neighbour 0 0\n"neighbour"', '"waits"');
    await redis().rpush(other.key, '#once 0 1\n"once"', '#never 0 0\n"never"');
    const child = aChild(`
      import { HotQueue, run } from 'hotqueue';
      const hold = async (item) => { console.log('began', item); await new Promise(() => {}); };
      const workers = ['${slow.name}', '${other.name}'].map((name) => new HotQueue(name, { lease: ${lease}, logger: false }).worker(hold, { concurrency: 2 }));
      await run(workers);
    `);
    await until(() => child.lines.length === 4);
    expect([...child.lines].sort()).toEqual(['began neighbour', 'began never', 'began once', 'began quarantined']);
    await child.kill('SIGKILL');
    for (const queue of [other, slow]) await recovered(aBroker(queue.name, lease));
    expect(await redis().lrange(other.key, 0, -1)).toEqual(['#once 0 1\n"once"', '#never 0 0\n"never"']);
    expect(await redis().lrange(slow.key, 0, -1)).toEqual(['#neighbour 0 0\n"neighbour"', '"waits"']);
    expect(await redis().exists(quarantinedOf(other), quarantinedOf(slow))).toBe(0);
    expect(await slow.dead.list()).toMatchObject([{ id: 'quarantined', reason: 'its worker died 3 times' }]);
    expect(await other.dead.size()).toBe(0);
  });

  it('that is done counts no later crash: then every active message counts one', async () => {
    const [slow, other] = [aQueue({ lease }), aQueue({ lease })];
    await addQuarantined(slow);
    await slow.put('neighbour');
    await other.put('elsewhere');
    const child = aChild(`
      import { HotQueue, run } from 'hotqueue';
      const handle = async (item) => { if (item === 'quarantined') return; console.log('began', item); await new Promise(() => {}); };
      const workers = ['${slow.name}', '${other.name}'].map((name) => new HotQueue(name, { lease: ${lease}, logger: false }).worker(handle, { concurrency: 2 }));
      await run(workers);
    `);
    await until(() => child.lines.length === 2);
    // The note that this process holds a quarantined message is removed.
    const [process] = await redis().hvals(`{${other.key}}:registry`);
    await until(
      () => redis().exists(`{hotqueue}:quarantine:${process}`),
      (notes) => notes === 0,
    );
    await child.kill('SIGKILL');
    for (const queue of [other, slow]) await recovered(aBroker(queue.name, lease));
    for (const queue of [other, slow])
      expect(await redis().lrange(queue.key, 0, -1)).toEqual([expect.stringMatching(/^#\S+ 0 1\n/)]);
    expect(await slow.counts()).toMatchObject({ waiting: 1, dead: 0 });
  });

  it('reaches a waiting loop, get() or handler within one block time', async () => {
    const [loop, got, handled] = [aQueue(), aQueue(), aQueue()];
    const seen: unknown[] = [];
    const consumer = loop.consume();
    void consumer.next().then(({ value }) => seen.push(value));
    void got.get({ block: true }).then((item) => seen.push(item));
    const runner = start(handled.worker((item) => void seen.push(item)));
    for (const queue of [loop, got, handled])
      await until(
        () => queue.counts(),
        ({ workers }) => workers === 1,
      );
    for (const queue of [loop, got, handled]) await addQuarantined(queue); // the list on which they wait stays empty
    await until(() => seen.length === 3, Boolean, 9_000); // a block is 5 s
    expect(seen).toEqual(['quarantined', 'quarantined', 'quarantined']);
    await consumer.return();
    await runner.stop();
  });

  it.each<[string, (queue: HotQueue, seen: unknown[]) => () => Promise<unknown>]>([
    ['handler with one slot', (queue, seen) => stopOf(start(queue.worker((item) => void seen.push(item))))],
    [
      'handler with free slots',
      (queue, seen) => stopOf(start(queue.worker((item) => void seen.push(item), { concurrency: 8 }))),
    ],
    [
      'handler of batches',
      (queue, seen) => stopOf(start(queue.worker((items) => void seen.push(...items), { batch: 4 }))),
    ],
    [
      'loop',
      (queue, seen) => {
        const loop = queue.consume();
        const over = (async () => {
          for await (const item of loop) seen.push(item);
        })();
        return async () => (await loop.return(), await over);
      },
    ],
  ])('is followed by the next one at once, not after a block time: %s', async (_what, begin) => {
    const queue = aQueue();
    const all = Array.from({ length: 10 }, (_, index) => index);
    await redis().rpush(quarantinedOf(queue), ...all.map((index) => `#quarantined${index} 0 2\n${index}`));
    const seen: unknown[] = [];
    const stop = begin(queue, seen);
    await until(() => seen.length === 10, Boolean, 9_000); // two blocks are 10 s
    await stop();
    expect(seen).toEqual(all);
  });

  it('is the next message of a loop that has an active message, and of a get() beside it', async () => {
    const queue = aQueue({ lease });
    await queue.put('a', 'b');
    const consumer = queue.consume({ limit: 2 }); // so that it does not prefetch b
    expect(await consumer.next()).toMatchObject({ value: 'a' });
    await addQuarantined(queue);
    expect(await consumer.next()).toMatchObject({ value: 'quarantined' });
    await addQuarantined(queue);
    expect(await queue.get()).toBe('quarantined');
    expect(await queue.get()).toBe('b');
    await consumer.return();
    expect(await redis().lrange(quarantinedOf(queue), 0, -1)).toEqual(['#quarantined 0 2 l=1\n"quarantined"']);
  });

  it('stays in quarantine after a failure and after a release', async () => {
    const queue = aQueue({ lease });
    await addQuarantined(queue);
    for await (const delivery of queue.deliveries()) {
      await delivery.release();
      break;
    }
    expect(await redis().llen(quarantinedOf(queue))).toBe(1);
    for await (const delivery of queue.deliveries({ limit: 1 })) await delivery.retry({ delay: 1 });
    const broker = aBroker(queue.name);
    await until(async () => (await broker.promote()).promoted === 1);
    const [message] = await redis().lrange(quarantinedOf(queue), 0, -1);
    expect(message).toMatch(/^#quarantined 1 2 d=\d+\n"quarantined"$/);
    for await (const delivery of queue.deliveries({ limit: 1 })) expect(delivery.attempt).toBe(2);
    expect(await queue.counts()).toMatchObject({ waiting: 0, active: 0, delayed: 0, dead: 0 });
  });
});

describe('the sweep repairs', () => {
  it('claims of an unregistered worker, messages without an entry in their order, and a backlog beside an empty base list', async () => {
    const queue = aQueue({ lease });
    const broker = aBroker(queue.name);
    await queue.put('claimed', 'delayed', 'high');
    await aWorker(broker, 'w');
    const held = await take(broker, 'w', 1);
    await broker.retry('w', places(held, 2)[0]!, retryOf(places(held, 2)[0]!, 60_000));
    await redis().del(broker.keys.workers, broker.keys.delayed);
    await redis().rpush(broker.keys.high, '"high too"');

    const { lost, mended } = await broker.sweep(['0', '0'], at);
    expect(lost).toEqual(['w']);
    expect(mended).toBe(2);
    expect(await redis().llen(broker.keys.base)).toBe(1);
    expect(await broker.recover('w', 'hotqueue', at)).toMatchObject({ waiting: 2 });
    expect((await broker.promote()).promoted).toBe(1);
    expect(await queue.size()).toBe(4);
  });
});
