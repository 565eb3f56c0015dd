import { describe, expect, it } from 'vitest';
import { start, type Delivery } from 'hotqueue';
import { aChild } from '../support/child.js';
import { latch, until } from '../support/facts.js';
import { aBroker, aName, aQueue, redis } from '../support/queue.js';

const lease = 1_000;
const at = { withinMs: 5_000 };

/** A process that takes from a queue and never finishes; `body` runs for each message. */
const holder = (name: string, body = ''): string => `
  import { HotQueue, run } from 'hotqueue';
  const queue = new HotQueue('${name}', { lease: ${lease}, logger: false });
  await run(queue.worker(async (item) => { console.log('began', item); ${body} await new Promise(() => {}); }, { concurrency: 3 }));
`;

describe('a worker that is killed', () => {
  it('has its messages given back to the head, in order, the crash counted and not the attempt, though everybody is idle', async () => {
    const queue = aQueue({ lease });
    await queue.put('a', 'b', 'c');
    const child = aChild(holder(queue.name));
    await until(() => child.lines.length === 3);
    const seen: Delivery[] = [];
    const idle = start(queue.worker((_item, job) => void seen.push(job)));
    await until(() => queue.counts(), ({ workers }) => workers === 2);
    await child.kill('SIGKILL');
    await until(() => seen.length === 3);
    await idle.stop();
    expect(seen.map(({ payload, attempt }) => [payload, attempt])).toEqual([['a', 1], ['b', 1], ['c', 1]]);
    expect(await queue.counts()).toMatchObject({ waiting: 0, delayed: 0, claimed: 0, dead: 0, workers: 0 });
  });

  it('with messages on a plain queue has them given back without a header in front of Python', async () => {
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
  it('is buried after its third crash, and the neighbours that travelled with it are all done', async () => {
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
        await until(() => queue.counts(), ({ waiting, claimed }) => waiting + claimed === 0);
        await child.kill('SIGTERM');
      }
      lines = lines.concat(child.lines);
    }
    expect(deaths).toBe(3);
    const [letter] = await queue.dead.list();
    expect(letter).toMatchObject({ reason: 'its worker died 3 times', text: '"poison"' });
    const rest: unknown[] = [];
    for await (const item of queue.consume({ timeout: 50 })) rest.push(item);
    expect(new Set([...lines.map((line) => line.slice('done '.length)), ...rest])).toEqual(new Set(['one', 'two', 'three']));
  });
});

describe('a worker that is frozen past its lease', () => {
  it('wakes up, changes nothing, and goes on as another', async () => {
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
    expect(await queue.counts()).toMatchObject({ claimed: 1 });
    await (delivery as Delivery).ack();
    await taker.return();
    await queue.put('next');
    await until(() => child.lines.includes('began next'));
    expect(await child.kill('SIGTERM')).toBe(0);
  });
});

describe('leases', () => {
  it('are renewed as long as a handler runs, however long that is', async () => {
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
    const [worker] = await until(() => redis().zrange(`{${queue.key}}:workers`, 0, '-1'), (workers) => workers.length === 2);
    const first = Number(await redis().zscore(`{${queue.key}}:workers`, worker!));
    await until(async () => Number(await redis().zscore(`{${queue.key}}:workers`, worker!)) > first + 2 * lease);
    hold.open();
    await slow.stop();
    await idle.stop();
    expect(attempts).toEqual([1]);
  });

  it('of nobody end when the server was away for all', async () => {
    const broker = aBroker();
    await broker.put('producer', 1, ['#a 0 0\n1'], at);
    await broker.join('w', at);
    await broker.take('w', 1, 1, 'alone', at);
    // As if the server had been frozen since: the lease is over, and so is the last beat of anyone.
    await redis().zadd(broker.keys.workers, 1, 'w');
    await redis().hset(broker.keys.meta, 'seen', 1);
    expect(await broker.recover('w', 'hotqueue', at)).toEqual({ endsInMs: 10_000 });
    expect(await broker.beat('w', 2, ['b1.1'], at)).not.toBe('lost');
    expect(await broker.ack('w', ['b1.1'])).toBe('done');
  });

  it('that ended are recovered once, whoever asks', async () => {
    const broker = aBroker();
    await broker.put('producer', 1, ['#a 0 0\n1', '#b 2 0 a=5\n2', 'bare'], at);
    await broker.join('w', at);
    await broker.take('w', 1, 3, 'alone', at);
    const [seconds] = await redis().time();
    await redis().hset(broker.keys.meta, 'seen', Number(seconds) * 1_000);
    await redis().zadd(broker.keys.workers, 1, 'w');
    expect(await broker.recover('w', 'hotqueue', at)).toEqual({ ready: 3, suspects: 0, buried: 0 });
    expect(await broker.recover('w', 'hotqueue', at)).toEqual({ ready: 0, suspects: 0, buried: 0 });
    expect(await broker.peek(5, at)).toEqual(['#a 0 1\n1', '#b 2 1 a=5\n2', '#w.b1.3 0 1\nbare']);
    expect(await broker.take('w', 2, 1, 'alone', at)).toBe('lost');
    expect(await broker.ack('w', ['b1.1'])).toBe('lost');
    expect(await broker.beat('w', 2, [], at)).toBe('lost');
  });

  it('are not revived by a beat, and a beat gives back claims that its worker does not know of', async () => {
    const broker = aBroker();
    await broker.put('producer', 1, ['a', 'b', 'c', 'd'], at);
    await broker.join('w', at);
    await broker.take('w', 1, 2, 'alone', at);
    await broker.take('w', 2, 1, 'alone', at);
    await broker.beat('w', 3, ['b1.2', 'b2.3'], at);
    expect(await broker.peek(5, at)).toEqual(['a', 'c', 'd']);
    await broker.beat('w', 2, ['b1.2'], at);
    expect(await broker.peek(5, at)).toEqual(['a', 'c', 'd']);
  });
});

describe('a message that killed its worker twice', () => {
  const twice = '#suspect 0 2\n"suspect"';

  it('is given to nobody who holds something else, and held alone', async () => {
    const queue = aQueue({ lease });
    const hold = latch();
    const running = new Set<unknown>();
    const together: unknown[][] = [];
    await queue.put('a', 'b');
    const runner = start(
      queue.worker(async (item) => {
        running.add(item);
        together.push([...running]);
        if (item !== 'suspect') await hold;
        running.delete(item);
      }, { concurrency: 3 }),
    );
    await until(() => running.size === 2);
    await redis().rpush(`{${queue.key}}:suspects`, twice);
    await queue.put('c'); // wakes the third place, which finds the suspect and is elected to drain
    await until(() => redis().hexists(`{${queue.key}}:meta`, 'drainer'), (is) => is === 1);
    hold.open();
    await until(() => queue.counts(), ({ waiting, claimed }) => waiting + claimed === 0);
    await runner.stop();
    expect(together.find((items) => items.includes('suspect'))).toEqual(['suspect']);
  });

  it('goes to a consumer that holds nothing, and is no obstacle to one that does', async () => {
    const name = aName();
    const queue = aQueue({ name, lease });
    const other = aQueue({ name, lease });
    await queue.put('a', 'b');
    const consumer = queue.consume();
    await consumer.next();
    await redis().rpush(`{${queue.key}}:suspects`, twice);
    expect(await other.get()).toBe('b');
    await consumer.return();
    expect(await queue.get()).toBe('suspect');
    expect(await queue.get()).toBe('a');
  });

  it('is a suspect still when it fails, or is given back', async () => {
    const queue = aQueue({ lease });
    await redis().rpush(`{${queue.key}}:suspects`, twice);
    for await (const delivery of queue.deliveries()) {
      await delivery.release();
      break;
    }
    expect(await redis().llen(`{${queue.key}}:suspects`)).toBe(1);
    for await (const delivery of queue.deliveries({ limit: 1 })) await delivery.retry({ delay: 1 });
    for await (const delivery of queue.deliveries({ limit: 1 })) expect(delivery.attempt).toBe(2);
  });
});

describe('the sweep mends', () => {
  it('claims of a worker that nobody registers any more, messages without a place, and a backlog without a bell', async () => {
    const queue = aQueue({ lease });
    const broker = aBroker(queue.name);
    await queue.put('claimed', 'delayed', 'high');
    await broker.join('w', at);
    await broker.take('w', 1, 3, 'alone', at);
    await broker.retry('w', { token: 'b1.2', id: 'd', lane: 'b', delayMs: 60_000, header: '#d 1 0\n', oldHeaderLength: 0 });
    await redis().del(broker.keys.workers, broker.keys.delayed);
    await redis().rpush(broker.keys.high, '"rung for"');

    const { lost, mended } = await broker.sweep(['0', '0'], at);
    expect(lost).toEqual(['w']);
    expect(mended).toBe(2);
    expect(await redis().llen(broker.keys.base)).toBe(1);
    expect(await broker.recover('w', 'hotqueue', at)).toMatchObject({ ready: 2 });
    expect((await broker.promote()).promoted).toBe(1);
    expect(await queue.size()).toBe(4);
  });
});
