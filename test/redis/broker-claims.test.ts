/** Random sequences of calls of two workers, each of which may be sent again, at once or much later: no message is lost or doubled. */
import fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import type { Broker } from '../../src/redis/broker.js';
import { mostCrashes } from '../../src/redis/registration.js';
import { scripts } from '../../src/redis/scripts.js';
import type { Take } from '../../src/redis/take.js';
import { aBroker, redis } from '../support/queue.js';
import { serverKind } from '../support/server.js';
import { aWorker, endLease, indexesOf } from '../support/takes.js';

const at = { withinMs: 5_000 };

interface Known {
  place: 'ready' | 'held' | 'delayed' | 'dead' | 'done';
  attempts: number;
  crashes: number;
}

interface Worker {
  id: string;
  /** Number of its last take. */
  number: number;
  /** Takes that the worker knows. */
  known: Take[];
  /** Takes that Redis stores for it, including those whose reply was lost. */
  kept: Take[];
  /** Whether it was recovered and has not noticed yet. */
  isLost: boolean;
}

const verbs = [
  'put',
  'take',
  'take',
  'ack',
  'ack',
  'retry',
  'bury',
  'release',
  'release',
  'forget',
  'beat',
  'leave',
  'die',
  'die',
  'again',
  'again',
] as const;
type Draft = {
  readonly verb: (typeof verbs)[number];
  readonly who: 0 | 1;
  readonly pick: number;
  readonly other: number;
};

const header = /^#(\w+) (\d+) (\d+)\n/;
const idOf = (take: Take, index: number): string => header.exec(take.text(index))![1]!;
const heldIn = (takes: readonly Take[]): string[] =>
  takes.flatMap((take) => indexesOf(take).map((index) => idOf(take, index)));

/** One queue with two workers, and the expected state of each message. */
class Books {
  readonly #messages = new Map<string, Known>();
  readonly #workers: Worker[] = [];
  /** Every call so far: each of them may arrive again. */
  readonly #sent: (() => Promise<unknown>)[] = [];
  #puts = 0;

  private constructor(readonly broker: Broker) {
    const { connection } = broker;
    const script = connection.script.bind(connection);
    vi.spyOn(connection, 'script').mockImplementation((name, keys, args, patience) => {
      if (name !== 'join') this.#sent.push(() => redis().eval(scripts[name].lua, keys.length, ...keys, ...args));
      return script(name, keys, args, patience);
    });
  }

  static async open(): Promise<Books> {
    const books = new Books(aBroker());
    for (let who = 0; who < 2; who++) books.#workers.push(await books.#joined(0));
    return books;
  }

  async play({ verb, who, pick, other }: Draft): Promise<void> {
    const worker = this.#workers[who]!;
    const take = worker.known[pick % Math.max(worker.known.length, 1)];
    if (verb === 'put') await this.#put(1 + (pick % 12));
    else if (verb === 'take') await this.#take(worker, 1 + (pick % 12));
    else if (verb === 'beat') await this.#beat(worker);
    else if (verb === 'leave') await this.#leave(worker);
    else if (verb === 'die') await this.#die(worker);
    else if (verb === 'again') await this.#sent[pick % Math.max(this.#sent.length, 1)]?.();
    else if (take && verb === 'forget') worker.known = worker.known.filter((one) => one !== take);
    else if (take && verb === 'ack') await this.#ack(worker, take, other);
    else if (take && (verb === 'retry' || verb === 'bury' || verb === 'release'))
      await this.#settle(verb, worker, take, other);
    for (const { id, kept, isLost } of this.#workers)
      expect(await this.broker.reader.activeOf(id, at)).toBe(isLost ? 0 : heldIn(kept).length);
  }

  /** Lets both workers die. Then each message must be in the expected list, once, with the expected header. */
  async close(): Promise<void> {
    for (const worker of this.#workers) await this.#die(worker);
    const { base, inbox, high, low, requeued, quarantine, delayedMessages, deadMessages, registry, workers } =
      this.broker.keys;
    const lists = await Promise.all(
      [base, inbox, high, low, requeued, quarantine].map((list) => redis().lrange(list, 0, -1)),
    );
    const found = [
      ...lists.flat().map((message) => ['ready', message] as const),
      ...(await redis().hvals(delayedMessages)).map((message) => ['delayed', message.slice(1)] as const),
      ...(await redis().hvals(deadMessages)).map(
        (message) => ['dead', message.slice(message.indexOf('\n') + 1)] as const,
      ),
    ].map(([place, message]) => {
      const [, id, attempts, crashes] = header.exec(message)!;
      return [id!, { place, attempts: Number(attempts), crashes: Number(crashes) }] as const;
    });
    const wanted = [...this.#messages].filter(([, { place }]) => place !== 'done');
    expect(found.sort(([one], [two]) => (one < two ? -1 : 1))).toEqual(
      wanted.sort(([one], [two]) => (one < two ? -1 : 1)),
    );
    expect(await redis().exists(registry, workers)).toBe(0);
  }

  async #joined(number: number): Promise<Worker> {
    return { id: await aWorker(this.broker), number, known: [], kept: [], isLost: false };
  }

  async #put(count: number): Promise<void> {
    const ids = Array.from({ length: count }, (_, index) => `m${this.#messages.size + index}`);
    for (const id of ids) this.#messages.set(id, { place: 'ready', attempts: 0, crashes: 0 });
    await this.broker.put(
      { producer: 'producer', number: (this.#puts += 1), messages: ids.map((id) => `#${id} 0 0\n"${id}"`) },
      at,
    );
  }

  async #take(worker: Worker, most: number): Promise<void> {
    const taken = await this.broker.take(worker.id, worker.number + 1, most, at);
    expect(taken === 'lost').toBe(worker.isLost);
    if (taken === 'lost') return void Object.assign(worker, await this.#joined(worker.number));
    const { take } = taken;
    if (!take) return;
    if (take.hasQuarantined)
      expect(
        worker.kept.some((one) => one.hasQuarantined && !one.isSettled(1)),
        'no second quarantined message',
      ).toBe(false);
    worker.number += 1;
    worker.known.push(take);
    worker.kept.push(take);
    for (const id of heldIn([take])) this.#move(id, 'ready', 'held');
  }

  async #ack(worker: Worker, take: Take, other: number): Promise<void> {
    const done = indexesOf(take).filter(
      (index) => index % (1 + (other % 4)) === 0 || index === 1 + (other % take.size),
    );
    for (const index of done) take.ack(index);
    const settled = await this.broker.ack(worker.id, [take], at);
    if (done.length > 0) expect(settled).toBe(worker.isLost ? 'lost' : 'done');
    if (!worker.isLost) for (const index of done) this.#move(idOf(take, index), 'held', 'done');
    if (take.isOver)
      for (const list of ['known', 'kept'] as const) worker[list] = worker[list].filter((one) => one !== take);
  }

  async #settle(verb: 'retry' | 'bury' | 'release', worker: Worker, take: Take, other: number): Promise<void> {
    const left = indexesOf(take);
    const index = left[other % Math.max(left.length, 1)];
    if (index === undefined) return;
    const [id, place] = [idOf(take, index), { take, index }];
    const [, , attempts, crashes] = header.exec(take.text(index))!;
    const message = Buffer.from(`#${id} ${Number(attempts) + 1} ${crashes}\n"${id}"`);
    const send = {
      retry: () => this.broker.retry(worker.id, place, { id, lane: take.lane(index), delayMs: 3_600_000, message }, at),
      bury: () => this.broker.bury(worker.id, place, id, '{}', at),
      release: () => this.broker.release(worker.id, [place], at),
    };
    expect(await send[verb]()).toBe(worker.isLost ? 'lost' : 'done');
    take.confirm(index);
    if (worker.isLost) return;
    if (verb === 'retry') this.#messages.get(id)!.attempts += 1;
    this.#move(id, 'held', ({ retry: 'delayed', bury: 'dead', release: 'ready' } as const)[verb]);
  }

  /** A heartbeat gives back the takes that the worker does not know. */
  async #beat(worker: Worker): Promise<void> {
    expect((await this.broker.beat(worker.id, worker.number + 1, worker.known, at)) === 'lost').toBe(worker.isLost);
    if (worker.isLost) return;
    for (const id of heldIn(worker.kept.filter((take) => !worker.known.includes(take))))
      this.#move(id, 'held', 'ready');
    worker.kept = [...worker.known];
  }

  async #leave(worker: Worker): Promise<void> {
    await this.broker.leave(worker.id, at);
    if (!worker.isLost) for (const id of heldIn(worker.kept)) this.#move(id, 'held', 'ready');
    Object.assign(worker, await this.#joined(worker.number));
  }

  /** The lease ends and the worker is recovered. It continues like a thawed process, and notices with its next take or heartbeat. */
  async #die(worker: Worker): Promise<void> {
    if (worker.isLost) return;
    await endLease(this.broker, worker.id);
    await this.broker.recover(worker.id, 'hotqueue', at);
    const held = heldIn(worker.kept);
    const quarantined = worker.kept.find((take) => take.hasQuarantined && !take.isSettled(1));
    const blamed = quarantined ? [idOf(quarantined, 1)] : held;
    for (const id of blamed) this.#messages.get(id)!.crashes += 1;
    for (const id of held) this.#move(id, 'held', this.#messages.get(id)!.crashes >= mostCrashes ? 'dead' : 'ready');
    worker.isLost = true;
  }

  #move(id: string, from: Known['place'], to: Known['place']): void {
    const known = this.#messages.get(id)!;
    expect([id, known.place]).toEqual([id, from]);
    known.place = to;
  }
}

const draft: fc.Arbitrary<Draft> = fc.record({
  verb: fc.constantFrom(...verbs),
  who: fc.constantFrom(0 as const, 1 as const),
  pick: fc.nat(1_000),
  other: fc.nat(1_000),
});

it('after any sequence of calls, with any of them sent again, each message is done, dead, delayed or waiting, once, and its crashes are counted by the rule', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(draft, { minLength: 20, maxLength: 60, size: 'max' }), async (drafts) => {
      const books = await Books.open();
      try {
        await books.play({ verb: 'put', who: 0, pick: 11, other: 0 });
        for (const one of drafts) await books.play(one);
        await books.close();
      } finally {
        vi.restoreAllMocks();
      }
    }),
    { numRuns: serverKind() === 'redis' ? 150 : 30, interruptAfterTimeLimit: 20_000 },
  );
}, 60_000);
