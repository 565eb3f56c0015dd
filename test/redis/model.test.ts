/** Random sequences of commands on the public API of a queue, compared with a model: each message is in one state, and moves as the model says. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { QueueFullError, type Consumer, type Delivery, type HotQueue } from 'hotqueue';
import { Broker } from '../../src/redis/broker.js';
import { Connection } from '../../src/redis/connection.js';
import { Keys } from '../../src/redis/keys.js';
import { aQueue, redis } from '../support/queue.js';
import { redisUrl, serverKind } from '../support/server.js';

type Place = 'ready' | 'delayed' | 'active' | 'dead' | 'gone';
type Lane = 'high' | 'normal' | 'low';

interface Known {
  readonly text: string;
  readonly lane: Lane;
  place: Place;
  attempts: number;
}

const maxLength = 12;
const mostHeld = 4;

/** The expected state of each message, by id, and the order of the waiting messages in the normal lane. */
class Model {
  readonly messages = new Map<string, Known>();
  line: string[] = [];
  isPaused = false;
  readonly own = new Set<string>();

  in(place: Place): string[] {
    return [...this.messages].filter(([, known]) => known.place === place).map(([id]) => id);
  }

  get waiting(): number {
    return this.in('ready').length + this.in('delayed').length;
  }

  move(id: string, place: Place, end: 'head' | 'tail' = 'tail'): void {
    const known = this.messages.get(id)!;
    known.place = place;
    this.line = this.line.filter((one) => one !== id);
    if (place !== 'ready' || known.lane !== 'normal') return;
    if (end === 'head') this.line.unshift(id);
    else this.line.push(id);
  }

  add(id: string, known: Omit<Known, 'attempts'>): void {
    this.messages.set(id, { ...known, attempts: 0 });
    this.move(id, known.place);
  }
}

interface Real {
  readonly queue: HotQueue;
  readonly broker: Broker;
  readonly held: Map<string, { readonly delivery: Delivery<unknown>; readonly consumer: Consumer<Delivery<unknown>> }>;
}

type Command = fc.AsyncCommand<Model, Real>;

/** A command; after it, the queue is compared with the model. */
function command(
  name: string,
  may: (model: Model) => boolean,
  act: (model: Model, real: Real) => Promise<void>,
): Command {
  return {
    check: may,
    run: async (model, real) => {
      await act(model, real);
      const { waiting, delayed, active, dead } = await real.queue.counts();
      expect({ waiting, delayed, active, dead }).toEqual({
        waiting: model.in('ready').length,
        delayed: model.in('delayed').length,
        active: model.in('active').length,
        dead: model.in('dead').length,
      });
      expect((await real.queue.peek(100)).map(({ id }) => id).sort()).toEqual(model.in('ready').sort());
    },
    toString: () => name,
  };
}

const always = (): boolean => true;
const one = (from: readonly string[], pick: number): string => from[pick % from.length]!;

const put = (count: number, lane: Lane, isLate: boolean): Command =>
  command(`put(${count}, ${lane}${isLate ? ', later' : ''})`, always, async (model, { queue }) => {
    const texts = Array.from({ length: count }, (_, index) => `${model.messages.size}.${index}`);
    const storing = queue.with({ priority: lane, ...(isLate && { delay: '1h' }) }).put(...texts);
    if (model.waiting + count > maxLength) return void (await expect(storing).rejects.toThrow(QueueFullError));
    for (const [index, { id }] of [await storing].flat().entries())
      model.add(id, { text: texts[index]!, lane, place: isLate ? 'delayed' : 'ready' });
  });

const putOwn = (id: string): Command =>
  command(
    `put(${id})`,
    (model) => model.waiting < maxLength,
    async (model, { queue }) => {
      const job = await queue.with({ id }).put(id);
      expect(job).toMatchObject({ id, isDuplicate: model.own.has(id) });
      if (!model.own.has(id)) model.add(id, { text: id, lane: 'normal', place: 'ready' });
      model.own.add(id);
    },
  );

const take = (): Command =>
  command(
    'take',
    (model) => !model.isPaused && model.in('ready').length > 0 && model.in('active').length < mostHeld,
    async (model, { queue, held }) => {
      const consumer = queue.deliveries({ limit: 1, idleTimeout: '5s' });
      const { value: delivery } = await consumer.next();
      const known = model.messages.get(delivery!.id);
      expect(known).toMatchObject({ place: 'ready', text: delivery!.payload, attempts: delivery!.attempt - 1 });
      if (known!.lane === 'normal') expect(delivery!.id).toBe(model.line[0]);
      model.move(delivery!.id, 'active');
      held.set(delivery!.id, { delivery: delivery!, consumer });
    },
  );

/** Settles an active message. */
const settle = (
  name: string,
  pick: number,
  act: (delivery: Delivery<unknown>) => Promise<void>,
  then: (model: Model, id: string) => void,
): Command =>
  command(
    `${name}(${pick})`,
    (model) => model.in('active').length > 0,
    async (model, { held }) => {
      const id = one(model.in('active'), pick);
      const { delivery, consumer } = held.get(id)!;
      await act(delivery);
      await consumer.return();
      held.delete(id);
      then(model, id);
    },
  );

const failed = (model: Model, id: string, place: Place): void => {
  model.messages.get(id)!.attempts += 1;
  model.move(id, place);
};

const onDelayed = (
  name: string,
  pick: number,
  act: (queue: HotQueue, id: string) => Promise<boolean>,
  place: Place,
): Command =>
  command(
    `${name}(${pick})`,
    (model) => model.in('delayed').length > 0,
    async (model, { queue }) => {
      const id = one(model.in('delayed'), pick);
      expect(await act(queue, id)).toBe(true);
      model.move(id, place);
    },
  );

/** Lets all delayed messages become due. */
const advance = (): Command =>
  command(
    'advance',
    (model) => model.in('delayed').length > 0,
    async (model, { broker }) => {
      const late = model.in('delayed');
      await redis().zadd(broker.keys.delayed, ...late.flatMap((id, index) => [String(index + 1), id]));
      expect(await broker.promote({ withinMs: 5_000 })).toMatchObject({ promoted: late.length });
      for (const id of late) model.move(id, 'ready');
    },
  );

const onDead = (name: 'revive' | 'drop', pick: number): Command =>
  command(
    `${name}(${pick})`,
    (model) => model.in('dead').length > 0,
    async (model, { queue }) => {
      const id = one(model.in('dead'), pick);
      expect(await queue.dead[name](id)).toBe(1);
      if (name === 'revive') model.messages.get(id)!.attempts = 0;
      model.move(id, name === 'revive' ? 'ready' : 'gone');
      expect(await queue.dead[name]({ where: ({ key }) => key === id })).toBe(0);
    },
  );

const clear = (): Command =>
  command('clear', always, async (model, { queue }) => {
    expect(await queue.clear()).toBe(model.waiting);
    for (const id of [...model.in('ready'), ...model.in('delayed')]) model.move(id, 'gone');
  });

const pauseOr = (isPaused: boolean): Command =>
  command(isPaused ? 'pause' : 'resume', always, async (model, { queue }) => {
    await (isPaused ? queue.pause() : queue.resume());
    expect(await queue.isPaused()).toBe(isPaused);
    model.isPaused = isPaused;
  });

const pick = fc.nat(20);
const commands = fc.commands(
  [
    fc
      .tuple(
        fc.integer({ min: 1, max: 4 }),
        fc.constantFrom<Lane>('normal', 'normal', 'high', 'low'),
        fc.constantFrom(false, false, true),
      )
      .map((args) => put(...args)),
    fc.constantFrom('mine', 'yours', 'ours').map(putOwn),
    fc.constant(take()),
    fc.constant(take()),
    fc.constant(take()),
    pick.map((which) =>
      settle(
        'ack',
        which,
        (delivery) => delivery.ack(),
        (model, id) => model.move(id, 'gone'),
      ),
    ),
    pick.map((which) =>
      settle(
        'retry',
        which,
        (delivery) => delivery.retry({ delay: 0 }),
        (model, id) => failed(model, id, 'ready'),
      ),
    ),
    pick.map((which) =>
      settle(
        'retry later',
        which,
        (delivery) => delivery.retry({ delay: '1h' }),
        (model, id) => failed(model, id, 'delayed'),
      ),
    ),
    pick.map((which) =>
      settle(
        'bury',
        which,
        (delivery) => delivery.bury('test'),
        (model, id) => model.move(id, 'dead'),
      ),
    ),
    pick.map((which) =>
      settle(
        'release',
        which,
        (delivery) => delivery.release(),
        (model, id) => model.move(id, 'ready', 'head'),
      ),
    ),
    pick.map((which) =>
      settle(
        'leave',
        which,
        () => Promise.resolve(),
        (model, id) => model.move(id, 'ready', 'head'),
      ),
    ),
    pick.map((which) => onDelayed('cancel', which, (queue, id) => queue.delayed.cancel(id), 'gone')),
    pick.map((which) => onDelayed('move', which, (queue, id) => queue.delayed.move(id, { delay: '2h' }), 'delayed')),
    pick.map((which) => onDelayed('promote', which, (queue, id) => queue.delayed.promote(id), 'ready')),
    fc.constant(advance()),
    pick.map((which) => onDead('revive', which)),
    pick.map((which) => onDead('drop', which)),
    fc.constant(clear()),
    fc.constant(pauseOr(true)),
    fc.constant(pauseOr(false)),
    fc.constant(pauseOr(false)),
  ],
  { maxCommands: 60, size: 'max' },
);

/** Takes the remaining messages: each must come once. */
async function empty(model: Model, { queue, held }: Real): Promise<void> {
  await queue.resume();
  for (const [id, { consumer }] of held) {
    await consumer.return();
    model.move(id, 'ready', 'head');
  }
  const left = model.in('ready');
  const seen: string[] = [];
  for await (const { id } of queue.deliveries({ limit: left.length || 1, idleTimeout: 50 })) seen.push(id);
  expect(seen.sort()).toEqual(left.sort());
}

it('after any sequence of commands, each message is in the state of the model', async () => {
  const connection = Connection.share({ url: redisUrl() });
  await fc.assert(
    fc.asyncProperty(commands, async (sequence) => {
      const model = new Model();
      const queue = aQueue({ maxLength });
      const real: Real = { queue, broker: new Broker(connection, new Keys(queue.name)), held: new Map() };
      await fc.asyncModelRun(() => ({ model, real }), sequence);
      await empty(model, real);
      await queue.close();
    }),
    { numRuns: serverKind() === 'redis' ? 80 : 25, interruptAfterTimeLimit: 20_000 },
  );
  await connection.leave();
}, 60_000);
