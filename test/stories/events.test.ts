import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  Bury,
  start,
  type DeliveryEvent,
  type HotQueue,
  type LogFields,
  type Logger,
  type QueueEvents,
} from 'hotqueue';
import { until } from '../support/facts.js';
import { aBroker, aQueue } from '../support/queue.js';
import { aWorker, endLease } from '../support/takes.js';

const at = { withinMs: 10_000 };
const id = expect.any(String) as string;
const worker = expect.any(String) as string;
const delivery = (queue: string, attempt = 1) => ({ queue, id, attempt, worker });
const ms = expect.any(Number) as number;
const settled = (queue: string, attempt = 1) => ({ ...delivery(queue, attempt), tookMs: ms, waitedMs: ms });

interface Transition {
  /** Makes the transition, once. */
  readonly make: (queue: HotQueue) => Promise<unknown>;
  /** The event, besides `queue`. */
  readonly event: object;
  /** Counts afterwards. */
  readonly counts: object;
}

/** Runs a handler until all messages are settled. */
const handling =
  (handle: () => unknown, messages = ['secret']) =>
  async (queue: HotQueue): Promise<void> => {
    await queue.put(...messages);
    const runner = start(queue.worker(handle, { attempts: 2, backoff: '1h' }));
    await until(
      () => queue.counts(),
      ({ waiting, active }) => waiting === 0 && active === 0,
    );
    await runner.stop();
  };

const failing = (): never => {
  throw new Error('no');
};
const burying = (): never => {
  throw new Bury('not wanted');
};

/** Leaves a loop early, with a message. */
async function leaving(queue: HotQueue): Promise<void> {
  await queue.put('secret');
  for await (const payload of queue.consume()) {
    expect(payload).toBe('secret');
    break;
  }
}

async function delayed(queue: HotQueue, delay = '1h' as const): Promise<string> {
  return (await queue.with({ delay }).put('secret')).id;
}

async function aDeadLetter(queue: HotQueue): Promise<void> {
  await queue.put('secret');
  for await (const one of queue.deliveries({ limit: 1 })) await one.bury('not wanted');
}

/** A worker that has taken a message, and then died. */
async function aDeadWorker(queue: HotQueue): Promise<void> {
  await queue.put('secret');
  const broker = aBroker(queue.name);
  await aWorker(broker, 'dead');
  await broker.take('dead', 1, 1, at);
  await endLease(broker, 'dead');
}

/** Another process takes the only worker for dead. */
async function loseLease(queue: HotQueue): Promise<void> {
  const broker = aBroker(queue.name);
  const [{ id: alive } = expect.fail('no worker')] = await queue.workers.list();
  // Its heartbeat may renew the lease in between.
  await until(async () => {
    await endLease(broker, alive);
    const reply = await broker.recover(alive, 'hotqueue', at);
    return 'waiting' in reply && reply.waiting === 1;
  });
}

const empty = { waiting: 0, delayed: 0, active: 0, dead: 0 };

const transitions: { readonly [V in keyof QueueEvents]: Transition } = {
  put: { make: (queue) => queue.put('secret'), event: { ids: [id] }, counts: { ...empty, waiting: 1 } },
  take: { make: handling(() => {}), event: delivery(''), counts: empty },
  ack: {
    make: handling(() => {}),
    event: settled(''),
    counts: empty,
  },
  retry: {
    make: handling(failing),
    event: { ...settled(''), delayMs: expect.any(Number) as number, error: new Error('no') },
    counts: { ...empty, delayed: 1 },
  },
  bury: {
    make: handling(burying),
    event: { ...settled(''), reason: 'not wanted', error: new Bury('not wanted') },
    counts: { ...empty, dead: 1 },
  },
  release: {
    make: leaving,
    event: settled(''),
    counts: { ...empty, waiting: 1 },
  },
  lost: {
    make: async (queue) => {
      await queue.put('secret');
      for await (const one of queue.deliveries({ limit: 1 })) {
        await loseLease(queue);
        await expect(one.ack()).rejects.toMatchObject({ code: 'LEASE_LOST' });
      }
    },
    event: settled(''),
    counts: { ...empty, waiting: 1 },
  },
  promote: {
    make: async (queue) => queue.delayed.promote(await delayed(queue)),
    event: { count: 1, id },
    counts: { ...empty, waiting: 1 },
  },
  fire: {
    make: async (queue) => {
      await queue.schedules.set('a', { every: '1h', payload: 'secret', start: Date.now() + 200 });
      const scheduler = queue.schedules.start();
      await until(() => queue.size());
      scheduler.stop();
    },
    event: { schedule: 'a', id },
    counts: { ...empty, waiting: 1 },
  },
  recover: {
    make: async (queue) => {
      await aDeadWorker(queue);
      for await (const payload of queue.consume({ limit: 1 })) expect(payload).toBe('secret');
    },
    event: { worker: 'dead', waiting: 1, quarantined: 0, buried: 0 },
    counts: empty,
  },
  move: {
    make: async (queue) => queue.delayed.move(await delayed(queue), { at: 4_000_000_000_000 }),
    event: { id, dueAt: 4_000_000_000_000 },
    counts: { ...empty, delayed: 1 },
  },
  cancel: {
    make: async (queue) => queue.delayed.cancel(await delayed(queue)),
    event: { id },
    counts: empty,
  },
  revive: {
    make: async (queue) => {
      await aDeadLetter(queue);
      expect(await queue.dead.reviveAll()).toBe(1);
    },
    event: { count: 1 },
    counts: { ...empty, waiting: 1 },
  },
  drop: {
    make: async (queue) => {
      await aDeadLetter(queue);
      expect(await queue.dead.dropAll()).toBe(1);
    },
    event: { count: 1 },
    counts: empty,
  },
  clear: {
    make: async (queue) => {
      await queue.put('secret', 'secret');
      expect(await queue.clear()).toBe(2);
    },
    event: { count: 2 },
    counts: empty,
  },
  pause: { make: (queue) => queue.pause({ for: '10m' }), event: { forMs: 600_000 }, counts: empty },
  resume: { make: (queue) => queue.resume(), event: {}, counts: empty },
};
const verbs = Object.keys(transitions) as (keyof QueueEvents)[];

describe('each transition', () => {
  it.each(verbs)('%s emits one event, with its fields and without the payload', async (verb) => {
    const queue = aQueue({ lease: 1_000 });
    const { make, event, counts } = transitions[verb];
    const emitted: unknown[] = [];
    queue.events.on(verb, (one: unknown) => void emitted.push(one));
    await make(queue);
    await until(() => emitted.length > 0);
    expect(emitted).toEqual([{ ...event, queue: queue.name }]);
    expect(JSON.stringify(emitted)).not.toContain('secret');
    expect(await queue.counts()).toMatchObject(counts);
  });

  it.each(verbs)(
    '%s is complete also if a listener throws; its error is logged, and the next listener runs',
    async (verb) => {
      const { errors, logger } = errorLog();
      const queue = aQueue({ lease: 1_000, logger });
      const { make, counts } = transitions[verb];
      const mistake = new Error(`in the listener of ${verb}`);
      queue.events.on(verb, () => {
        throw mistake;
      });
      const heard: unknown[] = [];
      queue.events.on(verb, () => void heard.push(verb));
      await make(queue);
      await until(() => heard.length > 0);
      expect(heard).toEqual([verb]);
      expect(errors).toEqual([mistake]);
      expect(await queue.counts()).toMatchObject(counts);
    },
  );

  it('with a due time emits promote, when it is due', async () => {
    const queue = aQueue();
    const promoted: unknown[] = [];
    queue.events.on('promote', (event) => void promoted.push(event));
    await queue.with({ delay: 1 }).put('secret');
    for await (const payload of queue.consume({ limit: 1 })) expect(payload).toBe('secret');
    expect(promoted).toEqual([{ queue: queue.name, count: 1 }]);
  });

  it('without an effect emits nothing', async () => {
    const queue = aQueue();
    const emitted: string[] = [];
    for (const verb of verbs) queue.events.on(verb, () => void emitted.push(verb));
    expect(await queue.clear()).toBe(0);
    expect(await queue.dead.reviveAll()).toBe(0);
    expect(await queue.dead.dropAll()).toBe(0);
    expect(await queue.delayed.cancel('none')).toBe(false);
    expect(await queue.delayed.promote('none')).toBe(false);
    expect(await queue.delayed.move('none', { delay: '1h' })).toBe(false);
    expect(emitted).toEqual([]);
  });

  it('release: is emitted also for a message that its worker gives back because it stops', async () => {
    const queue = aQueue();
    const emitted: unknown[] = [];
    for (const verb of ['take', 'release'] as const)
      queue.events.on(verb, (event: DeliveryEvent) => void emitted.push([verb, event.id]));
    const job = await queue.put('secret');
    const runner = start(
      queue.worker(
        (_payload, { signal }) =>
          new Promise((resolve) => (signal.onabort = () => setTimeout(resolve, 60_000).unref())),
      ),
    );
    await until(() => emitted.length > 0);
    await runner.stop({ shutdownTimeout: 0 });
    expect(emitted).toEqual([
      ['take', job.id],
      ['release', job.id],
    ]);
  });
});

describe('a worker', () => {
  it.each(['take', 'ack', 'retry', 'bury'] as const)(
    'goes on after a listener of %s that throws for each message',
    async (verb) => {
      const { errors, logger } = errorLog();
      const queue = aQueue({ logger });
      queue.events.on(verb, ({ attempt }: DeliveryEvent) => {
        throw new Error(`attempt ${attempt}`);
      });
      const handle = { take: () => {}, ack: () => {}, retry: failing, bury: burying }[verb];
      await handling(handle, ['a', 'b', 'c'])(queue);
      await until(() => errors.length === 3);
    },
  );
});

describe('a logger', () => {
  const logs: Partial<Record<keyof QueueEvents, object>> = {
    retry: { id, attempt: 1, worker, delayMs: expect.any(Number) as number, err: new Error('no') },
    bury: { id, attempt: 1, worker, reason: 'not wanted', err: new Bury('not wanted') },
    lost: { id, attempt: 1, worker, code: 'LEASE_LOST', err: expect.any(Error) as Error },
    recover: { worker: 'dead', waiting: 1, quarantined: 0, buried: 0 },
  };
  /** The loop acknowledges, so no caller gets the error, and the library logs it. */
  const makeOf = (verb: keyof QueueEvents): Transition['make'] =>
    verb !== 'lost'
      ? transitions[verb].make
      : async (queue) => {
          await queue.put('secret');
          for await (const one of queue.consume({ limit: 1 })) {
            expect(one).toBe('secret');
            await loseLease(queue);
          }
        };

  it.each(Object.keys(logs) as (keyof QueueEvents)[])('gets the fields of %s, and a sentence', async (verb) => {
    const lines: [LogFields, string][] = [];
    const line = (fields: LogFields, sentence: string): void => void lines.push([fields, sentence]);
    const logger: Logger = { debug: line, info: line, warn: line, error: line };
    const queue = aQueue({ lease: 1_000, logger });
    await makeOf(verb)(queue);
    await until(() => lines.length > 0);
    expect(lines).toEqual([[{ queue: queue.name, event: verb, ...logs[verb] }, expect.stringContaining(queue.name)]]);
    expect(JSON.stringify(lines)).not.toContain('secret');
  });

  it.each(['throws', 'rejects'] as const)('that %s breaks nothing: one warning on stderr', async (how) => {
    const written: string[] = [];
    const stderr = vi.spyOn(process.stderr, 'write').mockImplementation((text) => !written.push(String(text)));
    onTestFinished(() => stderr.mockRestore());
    const mistake = new Error('disk full');
    const fail = (): void => {
      if (how === 'throws') throw mistake;
      return Promise.reject(mistake) as never;
    };
    const queue = aQueue({ lease: 1_000, logger: { debug: fail, info: fail, warn: fail, error: fail } });
    for (const verb of ['retry', 'bury', 'lost', 'recover'] as const) await makeOf(verb)(queue);
    await pause(0);
    expect(written).toEqual([
      `hotqueue: the logger of queue "${queue.name}" failed (Error: disk full). Its errors are ignored from now on\n`,
    ]);
  });

  it('is stderr by default: one line for each warning', async () => {
    const written: string[] = [];
    const stderr = vi.spyOn(process.stderr, 'write').mockImplementation((text) => !written.push(String(text)));
    onTestFinished(() => stderr.mockRestore());
    const queue = aQueue({ logger: undefined as never });
    await transitions.retry.make(queue);
    expect(written).toEqual([
      expect.stringMatching(
        /^hotqueue: message \S+ of queue "\S+" failed attempt 1, next attempt in \d+ ms: Error: no\n$/,
      ),
    ]);
  });
});

/** A logger, and the errors that it gets at level error. */
function errorLog() {
  const errors: unknown[] = [];
  const nothing = (): void => undefined;
  const error = ({ err }: LogFields): void => void errors.push(err);
  return { errors, logger: { debug: nothing, info: nothing, warn: nothing, error } };
}
