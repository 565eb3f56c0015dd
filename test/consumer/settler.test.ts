import { expect, it } from 'vitest';
import { Settler } from '../../src/consumer/settler.js';
import type { SettleReply } from '../../src/redis/transitions.js';
import type { Take } from '../../src/redis/take.js';
import { latch, until, type Latch } from '../support/facts.js';
import { FaultyBroker, lateReply, lostReply, type Fault } from '../support/faulty-broker.js';
import { aBroker, redis } from '../support/queue.js';
import { aWorker, endLease, places, retryOf, take, textsOf } from '../support/takes.js';

const at = { withinMs: 5_000 };
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
/** Redis receives the call twice, and the second reply arrives when `until` resolves. */
const sentTwice =
  (until: Promise<unknown>): Fault =>
  async (send) => {
    await send();
    return lateReply(until)(send);
  };

/** A settler on a real queue, and what it asks of Redis. */
class Scene {
  readonly faulty = new FaultyBroker(aBroker());
  readonly settler: Settler;
  /** The reply that each claim received, such as `1.2 done`. */
  readonly replies: string[] = [];
  /** Numbers of the takes that the settler reported as over. */
  readonly over: number[] = [];
  #number = 0;

  constructor() {
    this.settler = new Settler(this.faulty.broker, at, ({ number }) => this.over.push(number));
  }

  join(): Promise<string> {
    this.#number = 0;
    return aWorker(this.faulty.broker);
  }

  /** Puts messages, and takes them in one take. */
  async take(worker: string, size: number): Promise<Take> {
    await redis().rpush(this.faulty.real.keys.base, ...Array.from({ length: size }, (_, index) => `${index + 1}`));
    return take(this.faulty.broker, worker, (this.#number += 1), size);
  }

  ack(taken: Take, index: number): void {
    this.settler.add({
      take: taken,
      index,
      onAckReply: (reply: SettleReply | Error) =>
        void this.replies.push(`${taken.number}.${index} ${reply instanceof Error ? reply.message : reply}`),
    });
  }

  /** Holds back the replies to the next calls. @returns a latch for each */
  holdReplies(count: number): Latch[] {
    const latches = Array.from({ length: count }, () => latch());
    this.faulty.next('ack', ...latches.map((opened) => lateReply(opened)));
    return latches;
  }

  /** Its calls, such as `ack w1 1 3 4 1-3`. */
  get calls(): string[] {
    return this.faulty.calls.filter(({ verb }) => verb === 'ack').map(({ words }) => words);
  }

  /** The fields of the worker's claims in Redis. */
  async claims(worker: string): Promise<string[]> {
    return (await redis().hkeys(this.faulty.real.keys.claims(worker))).filter((field) => field !== 'seq').sort();
  }
}

it('acknowledgements of one turn go in one call, each take once', async () => {
  const scene = new Scene();
  const worker = await scene.join();
  const [one, two] = [await scene.take(worker, 4), await scene.take(worker, 2)];
  scene.ack(one, 1);
  scene.ack(two, 1);
  scene.ack(one, 3);
  scene.ack(one, 2);
  expect(scene.calls).toEqual([]);
  await scene.settler.drained();
  expect(scene.calls).toEqual(['ack w1 1 3 4 1-3; 2 1 2 1']);
  expect(scene.replies).toEqual(['1.1 done', '2.1 done', '1.3 done', '1.2 done']);
  expect(await scene.faulty.real.reader.activeOf(worker, at)).toBe(2);
});

it('acknowledgements during a call wait for its reply, then the whole state of the take is sent', async () => {
  const scene = new Scene();
  const taken = await scene.take(await scene.join(), 5);
  const [first] = scene.holdReplies(1);
  const second = latch();
  scene.faulty.next('ack', sentTwice(second));
  scene.ack(taken, 1);
  await until(() => scene.calls.length > 0);
  scene.ack(taken, 4);
  await turn();
  scene.ack(taken, 2);
  await turn();
  expect(scene.calls).toEqual(['ack w1 1 1 5 1']);
  expect(scene.settler.hasUnsent).toBe(true);
  first!.open();
  await until(() => scene.calls.length === 2);
  expect(scene.replies).toEqual(['1.1 done']);
  second.open();
  await scene.settler.drained();
  expect(scene.calls).toEqual(['ack w1 1 1 5 1', 'ack w1 1 3 5 1-2,4']);
  expect(scene.replies).toEqual(['1.1 done', '1.4 already', '1.2 already']);
});

it('a take is over after a call that reported it as finished, not when it finished during a call', async () => {
  const scene = new Scene();
  const worker = await scene.join();
  const taken = await scene.take(worker, 2);
  const [first, second] = scene.holdReplies(2);
  scene.ack(taken, 1);
  await until(() => scene.calls.length > 0);
  scene.ack(taken, 2);
  first!.open();
  await until(() => scene.calls.length === 2);
  expect(scene.calls).toEqual(['ack w1 1 1 2 1', 'ack w1 1 over']);
  expect(scene.over).toEqual([]);
  second!.open();
  await scene.settler.drained();
  expect(scene.over).toEqual([1]);
  expect(await scene.claims(worker)).toEqual([]);
});

it('a take is finished only when every effect is confirmed: until then, Redis can give its message back', async () => {
  const scene = new Scene();
  const { real } = scene.faulty;
  const worker = await scene.join();
  const taken = await scene.take(worker, 3);
  scene.ack(taken, 1);
  scene.ack(taken, 3);
  await scene.settler.drained();
  expect(scene.calls).toEqual(['ack w1 1 2 3 1,3']);
  expect([scene.over, await scene.claims(worker)]).toEqual([[], ['a1', 't1']]);
  const [second] = places(taken, 2);
  await real.retry(worker, second!, retryOf(second!, 0), at);
  taken.confirm(2);
  scene.settler.close(taken);
  await scene.settler.drained();
  expect(scene.calls.at(-1)).toBe('ack w1 1 over 2');
  expect([scene.over, await scene.claims(worker)]).toEqual([[1], []]);
  expect(await real.reader.peek(10, at)).toEqual(['2']);
});

it('a take is not over if the reply to its last acknowledgement is lost, and can be acknowledged again', async () => {
  const scene = new Scene();
  const worker = await scene.join();
  const taken = await scene.take(worker, 1);
  scene.faulty.next('ack', lostReply);
  scene.ack(taken, 1);
  await scene.settler.drained();
  expect([scene.replies, scene.over]).toEqual([['1.1 Connection is closed.'], []]);
  scene.settler.close(taken);
  await scene.settler.drained();
  expect(scene.calls).toEqual(['ack w1 1 over', 'ack w1 1 over']);
  expect([scene.replies, scene.over]).toEqual([['1.1 Connection is closed.'], [1]]);
  expect(await scene.claims(worker)).toEqual([]);
});

it('after a lost lease, claims of the old and the new worker go in separate calls, and each gets its own reply', async () => {
  const scene = new Scene();
  const { real } = scene.faulty;
  const old = await scene.join();
  const before = await scene.take(old, 2);
  await endLease(real, old);
  await real.recover(old, 'hotqueue', at);
  const after = await take(scene.faulty.broker, await scene.join(), 1, 2);
  expect(textsOf(after)).toHaveLength(2);
  scene.ack(before, 1);
  scene.ack(after, 2);
  await scene.settler.drained();
  expect(scene.calls).toEqual(['ack w1 1 1 2 1', 'ack w2 1 1 2 2']);
  expect(scene.replies).toEqual(['1.1 lost', '1.2 done']);
});

it('is drained when Redis has replied to all calls, also to those that started meanwhile', async () => {
  const scene = new Scene();
  const taken = await scene.take(await scene.join(), 2);
  const [first, second] = scene.holdReplies(2);
  let isDrained = false;
  scene.ack(taken, 1);
  const drained = scene.settler.drained().then(() => (isDrained = true));
  await until(() => scene.calls.length > 0);
  scene.ack(taken, 2);
  first!.open();
  await until(() => scene.calls.length === 2);
  await turn();
  expect(isDrained).toBe(false);
  second!.open();
  await drained;
});

it('isPending is true for the takes of a call that is in flight or about to be sent', async () => {
  const scene = new Scene();
  const worker = await scene.join();
  const [one, two] = [await scene.take(worker, 2), await scene.take(worker, 2)];
  const pending = (): boolean[] => [one, two].map((taken) => scene.settler.isPending(taken));
  const [first, second] = scene.holdReplies(2);
  expect(pending()).toEqual([false, false]);
  scene.ack(one, 1);
  expect(pending()).toEqual([true, false]);
  await until(() => scene.calls.length > 0);
  scene.ack(two, 1);
  expect(pending()).toEqual([true, true]);
  first!.open();
  await until(() => scene.calls.length === 2);
  expect(pending()).toEqual([false, true]);
  second!.open();
  await scene.settler.drained();
  expect(pending()).toEqual([false, false]);
});
