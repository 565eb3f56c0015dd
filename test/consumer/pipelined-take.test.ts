/** The worker sends a wait and a take behind it in one packet. Redis may reply to these and to other takes in any order: each message must be active once. */
import { afterEach, expect, it, onTestFinished } from 'vitest';
import { start } from 'hotqueue';
import { Fetcher } from '../../src/consumer/fetcher.js';
import { FaultProxy } from '../chaos/proxy.js';
import { latch, until } from '../support/facts.js';
import { FaultyBroker, lateReply, lostReply } from '../support/faulty-broker.js';
import { aBroker, aQueue, redis } from '../support/queue.js';
import { redisUrl } from '../support/server.js';
import { endLease } from '../support/takes.js';

const at = { withinMs: 5_000 };
const texts = (claims: readonly { text: string }[]): string[] => claims.map(({ text }) => text);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const opened: Fetcher[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((fetcher) => fetcher.leave()));
});

/** A fetcher on a real, empty queue. It has taken once, so it is registered. */
class Scene {
  readonly faulty = new FaultyBroker(aBroker());
  /** Messages of the takes behind a wait, one entry for each call of `onPipelined`. */
  readonly brought: string[][] = [];
  readonly fetcher = new Fetcher(this.faulty.context(), {
    taking: new AbortController().signal,
    settling: {},
    onPipelined: (claims) => this.brought.push(texts(claims)),
  });

  static async open(): Promise<Scene> {
    const scene = new Scene();
    opened.push(scene.fetcher);
    expect(await scene.fetcher.take(1)).toEqual([]);
    expect(scene.calls).toEqual(['join', 'take 1 of 1']);
    return scene;
  }

  /** A fetcher that has stopped waiting, while its wait and the take behind it are still in flight. */
  static async poked(): Promise<Scene> {
    const scene = await Scene.open();
    const idle = scene.fetcher.idle(Infinity, 1);
    await scene.isBlocked();
    scene.fetcher.poke();
    await idle;
    expect(scene.calls).toEqual(['behind 1 of 1']);
    return scene;
  }

  get real() {
    return this.faulty.real;
  }

  /** The calls since this was last asked. Releases of no message, which only empty the inbox, are left out. */
  get calls(): string[] {
    return this.faulty.newCalls.filter((call) => call !== 'release');
  }

  /** Waits until the worker has sent its wait, with the take behind it or without. */
  async isBlocked(): Promise<void> {
    await until(() => this.faulty.waits === 1 && this.faulty.calls.some(({ verb }) => verb === 'takeOn'));
  }

  async put(message: string): Promise<void> {
    await redis().rpush(this.real.keys.base, message);
  }

  /** How many replies to takes behind a wait have arrived. */
  get repliesBehind(): number {
    return this.faulty.replies.get('takeOn') ?? 0;
  }

  /** The takes that the worker reports in a heartbeat, and the messages that wait in Redis. */
  async books(): Promise<{ known: string | undefined; waiting: string[] }> {
    await this.fetcher.beat();
    const known = this.calls.find((call) => call.startsWith('beat'))?.split('; ')[1];
    return { known, waiting: await this.real.reader.peek(5, at) };
  }
}

it('messages of the take behind a wait are passed on before idle() resolves, and the next take has the next number', async () => {
  const scene = await Scene.open();
  const idle = scene.fetcher.idle(Infinity, 3);
  await scene.isBlocked();
  await scene.put('"one"');
  await idle;
  expect(scene.brought).toEqual([['"one"']]);
  await scene.fetcher.take(2);
  expect(scene.calls).toEqual(['behind 1 of 3', 'take 2 of 2']);
  expect(await scene.books()).toEqual({ known: '1: 0 of 1', waiting: [] });
});

it('a take behind a wait that brings nothing passes on an empty array, and its number is used again', async () => {
  const scene = await Scene.open();
  const idle = scene.fetcher.idle(Infinity, 1);
  await scene.isBlocked();
  await scene.real.pause(undefined, at); // the message ends the wait, but the take behind it may not bring it
  await scene.put('"one"');
  await idle;
  expect(scene.brought).toEqual([[]]);
  await scene.real.resume(at);
  expect(texts(await scene.fetcher.take(1))).toEqual(['"one"']);
  expect(scene.calls).toEqual(['behind 1 of 1', 'take 1 of 1']);
});

it('a worker that lost its lease takes in the ordinary way, under a new registration', async () => {
  const scene = await Scene.open();
  const idle = scene.fetcher.idle(Infinity, 1);
  await scene.isBlocked();
  const worker = scene.fetcher.session.worker!;
  await endLease(scene.real, worker);
  await scene.real.recover(worker, 'hotqueue', at);
  await scene.put('"one"');
  await idle;
  expect(scene.brought).toEqual([]);
  expect(texts(await scene.fetcher.take(1))).toEqual(['"one"']);
  expect(scene.calls).toEqual(['behind 1 of 1', 'take 1 of 1', 'join', 'take 1 of 1']);
});

it('a worker that gets no reply takes in the ordinary way, and gets the messages of the lost reply', async () => {
  const scene = await Scene.open();
  scene.faulty.next('takeOn', lostReply);
  const idle = scene.fetcher.idle(Infinity, 1);
  await scene.isBlocked();
  await scene.put('"one"');
  await idle;
  expect(scene.brought).toEqual([]);
  expect(texts(await scene.fetcher.take(1))).toEqual(['"one"']);
  expect(scene.calls).toEqual(['behind 1 of 1', 'take 1 of 1']);
  expect(await scene.books()).toEqual({ known: '1: 0 of 1', waiting: [] });
});

/** {@link Scene.poked}, with a reply to the take behind the wait that arrives only after `answered`. */
async function pokedWithLateReply(answered: Promise<void>): Promise<Scene> {
  const scene = await Scene.open();
  scene.faulty.next('takeOn', lateReply(answered));
  const idle = scene.fetcher.idle(Infinity, 1);
  await scene.isBlocked();
  scene.fetcher.poke();
  await idle;
  await scene.put('"one"');
  await until(async () => (await scene.real.reader.count(at)).active === 1); // Redis has executed the take behind the wait
  expect(scene.calls).toEqual(['behind 1 of 1']);
  return scene;
}

it('messages that an ordinary take brought under the same number are claimed once', async () => {
  const answered = latch();
  const scene = await pokedWithLateReply(answered);
  expect(texts(await scene.fetcher.take(1))).toEqual(['"one"']);
  answered.open();
  await until(() => scene.repliesBehind === 1);
  await turn();
  expect([scene.calls, scene.brought]).toEqual([['take 1 of 1'], []]);
  expect(await scene.books()).toEqual({ known: '1: 0 of 1', waiting: [] });
});

it('the reply to an ordinary take in flight is processed first, also if the other take got the message', async () => {
  const [behind, ordinary] = [latch(), latch()];
  const scene = await pokedWithLateReply(behind);
  scene.faulty.next('take', lateReply(ordinary));
  const taking = scene.fetcher.take(1);
  behind.open();
  await until(() => scene.repliesBehind === 1);
  await turn();
  ordinary.open();
  expect(texts(await taking)).toEqual(['"one"']);
  await turn();
  expect([scene.calls, scene.brought]).toEqual([['take 1 of 1'], []]);
  expect(await scene.books()).toEqual({ known: '1: 0 of 1', waiting: [] });
});

it.each([0, 1, 2, 3, 4, 5, 6, 7, 8])(
  'an ordinary take that begins %i microtasks after the reply to a take behind a wait brings none of its messages again',
  async (microtasks) => {
    const scene = await Scene.open();
    let ordinary: Promise<readonly { text: string }[]> | undefined;
    scene.faulty.next('takeOn', async (send) => {
      const reply = await send();
      let left = microtasks;
      const next = (): void => (left-- > 0 ? queueMicrotask(next) : void (ordinary = scene.fetcher.take(1)));
      queueMicrotask(next);
      return reply;
    });
    const idle = scene.fetcher.idle(Infinity, 1);
    await scene.isBlocked();
    await scene.put('"one"');
    await idle;
    await until(() => ordinary !== undefined);
    expect([...scene.brought.flat(), ...texts(await ordinary!)]).toEqual(['"one"']);
    expect(await scene.books()).toMatchObject({ known: '1: 0 of 1', waiting: [] });
  },
);

it('messages that arrive after the wait was given up are released at once', async () => {
  const scene = await Scene.poked();
  await scene.put('"one"');
  await until(
    () => scene.real.reader.peek(5, at),
    (waiting) => waiting.length === 1 && scene.repliesBehind === 1,
  );
  await until(() => scene.faulty.replies.has('release'));
  expect([scene.calls[0], scene.brought]).toEqual(['release 1.1', []]);
  expect(texts(await scene.fetcher.take(1))).toEqual(['"one"']);
  expect(scene.faulty.calls.findLast(({ verb }) => verb === 'take')!.words).toBe('take 2 of 1');
});

it('no take is sent behind a wait while a handler runs in the process: the handler could delay the message', async () => {
  const busy = await Scene.open();
  await busy.put('"one"');
  await busy.fetcher.take(1);
  const scene = await Scene.open();
  const idle = scene.fetcher.idle(Infinity, 1);
  await until(() => scene.faulty.waits === 1);
  await scene.put('"two"');
  await idle;
  expect([scene.calls, scene.brought]).toEqual([[], []]);
});

it('after a take behind a wait that brought fewer messages than it asked for, the worker waits without another take', async () => {
  const proxy = await FaultProxy.open(redisUrl().slice('unix://'.length), () => {});
  onTestFinished(() => proxy.close());
  const queue = aQueue({ url: proxy.url });
  const sent: string[] = [];
  proxy.rule = ({ name, reply }) => {
    if (!reply && (name === 'take' || name === 'blmove')) sent.push(name);
    return undefined;
  };
  const waits = (): number => sent.filter((name) => name === 'blmove').length;
  const seen: unknown[] = [];
  const runner = start(queue.worker((item) => void seen.push(item), { concurrency: 5 }));
  await until(() => waits() === 1);
  sent.splice(0);
  const other = aQueue({ name: queue.name });
  for (let message = 1; message <= 5; message++) {
    await other.put(message);
    await until(() => waits() === message);
  }
  await runner.stop();
  expect(seen).toEqual([1, 2, 3, 4, 5]);
  // One packet for each message, sent when the one before is done. The first of them went before the first message.
  expect(sent.join(' ')).toMatch(/^(take )?(blmove take ?){5}$/);
});

it('what a take behind a wait has claimed goes back with a heartbeat, if its reply was lost and no other take follows', async () => {
  const scene = await Scene.open();
  scene.faulty.next('takeOn', lostReply);
  const idle = scene.fetcher.idle(Infinity, 1);
  await scene.isBlocked();
  await scene.put('"one"');
  await idle;
  await until(() => scene.repliesBehind === 1);
  await turn();
  expect(scene.brought).toEqual([]);
  expect(await scene.books()).toEqual({ known: undefined, waiting: ['"one"'] });
  expect(texts(await scene.fetcher.take(1))).toEqual(['"one"']);
  expect(scene.calls).toEqual(['take 2 of 1']);
});

it('the next take brings them instead, if it comes before the heartbeat', async () => {
  const scene = await Scene.open();
  scene.faulty.next('takeOn', lostReply);
  const idle = scene.fetcher.idle(Infinity, 1);
  await scene.isBlocked();
  await scene.put('"one"');
  await idle;
  await until(() => scene.repliesBehind === 1);
  expect(texts(await scene.fetcher.take(1))).toEqual(['"one"']);
  expect(await scene.books()).toEqual({ known: '1: 0 of 1', waiting: [] });
});
