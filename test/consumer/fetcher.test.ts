import { afterEach, describe, expect, it } from 'vitest';
import type { Take } from '../../src/redis/take.js';
import { Fetcher } from '../../src/consumer/fetcher.js';
import { processId } from '../../src/redis/process-id.js';
import type { Claim } from '../../src/consumer/claim.js';
import { latch, until } from '../support/facts.js';
import { away, FaultyBroker, lateCall, lateReply, lostCall, lostReply } from '../support/faulty-broker.js';
import { aBroker, redis } from '../support/queue.js';
import { endLease, indexesOf, places, retryOf } from '../support/takes.js';

const at = { withinMs: 5_000 };
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const opened: Fetcher[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((fetcher) => fetcher.leave()));
});

/** A fetcher on a real queue with these messages, and what it asks of Redis. */
class Scene {
  readonly faulty: FaultyBroker;
  readonly fetcher: Fetcher;

  constructor(leaseMs = 30_000) {
    this.faulty = new FaultyBroker(aBroker(undefined, leaseMs));
    this.fetcher = new Fetcher(this.faulty.context(), { taking: new AbortController().signal, settling: {} });
    opened.push(this.fetcher);
  }

  get real() {
    return this.faulty.real;
  }

  async put(...messages: string[]): Promise<void> {
    await redis().rpush(this.real.keys.base, ...messages);
  }

  /** Puts a message that was active in two workers that died. */
  async putQuarantined(): Promise<void> {
    await redis().rpush(this.real.keys.quarantine, '#quarantined 0 2\n"quarantined"');
  }

  /** Another process recovers the worker, as its lease has ended. */
  async recover(): Promise<void> {
    const worker = this.fetcher.session.worker!;
    await endLease(this.real, worker);
    await this.real.recover(worker, 'hotqueue', at);
  }

  /** The calls since this was last asked, such as `ack w1 1 over`. */
  get calls(): string[] {
    return this.faulty.newCalls;
  }

  /** Messages that wait in Redis. */
  waiting(): Promise<string[]> {
    return this.real.reader.peek(10, at);
  }

  /** The fields of the worker's claims in Redis. */
  async claims(worker = this.fetcher.session.worker!): Promise<string[]> {
    return (await redis().hkeys(this.real.keys.claims(worker)))
      .filter((field) => field !== 'seq' && field !== 'counted')
      .sort();
  }

  /** Whether Redis has the note that this process holds a quarantined message. */
  async isNoted(): Promise<boolean> {
    return (await redis().exists(this.real.keys.quarantineOf(processId()))) === 1;
  }
}

const numbers = (count: number): string[] => Array.from({ length: count }, (_, index) => `${index + 1}`);

it('sends a heartbeat before a take if the last one is most of a lease ago: otherwise it could not start the taken messages', async () => {
  const { faulty, fetcher } = new Scene(2_000);
  await fetcher.take(1);
  await until(() => !fetcher.session.isProven);
  await fetcher.take(1);
  expect(faulty.calls.map(({ verb }) => verb).filter((verb) => verb !== 'announce')).toEqual([
    'join',
    'take',
    'beat',
    'take',
  ]);
  expect(fetcher.session.isProven).toBe(true);
});

it('continues to number its takes after a lost lease, so that a late settlement never refers to a new take', async () => {
  const scene = new Scene();
  const { fetcher } = scene;
  await scene.put('1');
  const [old] = await fetcher.take(1);
  await scene.recover();
  const [current] = await fetcher.take(1);
  expect(scene.calls).toEqual(['join', 'take 1 of 1', 'take 2 of 1', 'join', 'take 2 of 1']);
  expect([old!.take.number, current!.take.number]).toEqual([1, 2]);
  await fetcher.beat();
  expect(scene.calls).toEqual(['beat w2 before 3; 2: 0 of 1']);
  old!.acknowledge(); // the handler ends late
  await fetcher.session.settler.drained();
  expect(scene.calls).toEqual(['ack w1 1 over', 'uncountCrash']);
  await fetcher.beat();
  expect(scene.calls).toEqual(['beat w2 before 3; 2: 0 of 1']);
  expect(await scene.claims()).toEqual(['a2', 't2']); // the message is still active at its new worker
});

it('claims only the unsettled messages of a take whose reply comes again', async () => {
  const scene = new Scene();
  await scene.put(...numbers(5));
  scene.faulty.next('take', async (send) => {
    const { take } = (await send()) as { take: Take }; // this reply is lost, and meanwhile Redis settles messages
    take.ack(1);
    take.ack(2);
    await scene.real.ack(take.worker, [take]);
    await scene.real.retry(take.worker, places(take, 4)[0]!, retryOf(places(take, 4)[0]!, 60_000));
    return send();
  });
  const claims = await scene.fetcher.take(5);
  expect(claims.map(({ index, text }) => [index, text])).toEqual([
    [3, '3'],
    [5, '5'],
  ]);
});

it.each([
  ['does not arrive', lostCall],
  ['arrives, but has no reply', lostReply],
])(
  'sends an acknowledgement that %s again with the next heartbeat, until Redis has removed the take',
  async (_what, lost) => {
    const scene = new Scene();
    const { fetcher, faulty } = scene;
    await scene.put('1', '2');
    const [one, two] = await fetcher.take(2);
    faulty.next('ack', lost, lost, lost);
    one!.acknowledge();
    await fetcher.session.settler.drained();
    expect(fetcher.session.holds(one!)).toBe(false);
    await fetcher.beat();
    expect(scene.calls.slice(2)).toEqual(['ack w1 1 1 2 1', 'beat w1 before 2; 1: 1 of 2']);
    two!.acknowledge();
    await fetcher.session.settler.drained();
    await fetcher.beat();
    await fetcher.session.settler.drained();
    expect(scene.calls).toEqual(['ack w1 1 over', 'beat w1 before 2; 1: 2 of 2', 'ack w1 1 over']);
    await fetcher.beat();
    await fetcher.session.settler.drained();
    expect(scene.calls).toEqual(['beat w1 before 2; 1: 2 of 2', 'ack w1 1 over']);
    await fetcher.beat();
    expect(scene.calls).toEqual(['beat w1 before 2;']);
    expect([await scene.claims(), await scene.waiting()]).toEqual([[], []]);
  },
);

it('never reports a take as finished while a retry is in flight: if that call got lost, so would the message', async () => {
  const scene = new Scene();
  const { fetcher, faulty } = scene;
  await scene.put(...numbers(3));
  const [one, two, three] = await fetcher.take(3);
  const arrives = latch();
  faulty.next('retry', lateCall(arrives));
  const retried = two!.retryIn(0);
  one!.acknowledge();
  three!.acknowledge();
  await fetcher.session.settler.drained();
  await fetcher.beat();
  expect(scene.calls.slice(2)).toEqual(['retry 1.2', 'ack w1 1 2 3 1,3', 'beat w1 before 2; 1: 2 of 3']);
  expect([await scene.claims(), await scene.waiting()]).toEqual([['a1', 't1'], []]); // Redis could still give it back
  arrives.open();
  await retried;
  await fetcher.session.settler.drained();
  expect(scene.calls).toEqual(['ack w1 1 over 2']);
  expect(await scene.claims()).toEqual([]);
  expect(await scene.waiting()).toEqual([expect.stringMatching(/\n2$/)]);
});

it.each([
  ['does not arrive', lostCall, '1'],
  ['arrives, but has no reply', lostReply, expect.stringMatching(/\n1$/)],
])(
  'after a retry that %s, releases the message with the next heartbeat, and only then finishes its take',
  async (_what, lost, message: unknown) => {
    const scene = new Scene();
    const { fetcher, faulty } = scene;
    await scene.put('1', '2');
    const [one, two] = await fetcher.take(2);
    faulty.next('retry', lost);
    faulty.next('release', lostCall);
    await expect(one!.retryIn(0)).rejects.toThrow(away);
    two!.acknowledge();
    await fetcher.session.settler.drained();
    expect(scene.calls.slice(2)).toEqual(['retry 1.1', 'ack w1 1 1 2 2']);
    await fetcher.beat(); // Redis does not answer the release
    await fetcher.session.settler.drained();
    expect(scene.calls).toEqual(['beat w1 before 2; 1: 1 of 2', 'release 1.1']);
    await fetcher.beat();
    await fetcher.session.settler.drained();
    expect(scene.calls).toEqual(['beat w1 before 2; 1: 1 of 2', 'release 1.1', 'ack w1 1 over 1']);
    expect([await scene.claims(), await scene.waiting()]).toEqual([[], [message]]);
  },
);

it('finishes a take whose messages were released, one of them by the handler', async () => {
  const scene = new Scene();
  const { fetcher } = scene;
  await scene.put(...numbers(3));
  const claims = await fetcher.take(3);
  await claims[1]!.release();
  await fetcher.session.giveBack(claims);
  await fetcher.session.settler.drained();
  expect(scene.calls.slice(2)).toEqual(['release 1.2', 'release 1.1 1.3', 'ack w1 1 over 1,2,3']);
  expect(indexesOf(claims[0]!.take)).toEqual([]);
  expect([await scene.claims(), await scene.waiting()]).toEqual([[], ['1', '3', '2']]);
});

it('notes a quarantined message before it returns it, and removes the note when it is settled', async () => {
  const scene = new Scene();
  const { fetcher, faulty } = scene;
  await scene.putQuarantined();
  await scene.put('2');
  const answered = latch();
  faulty.next('noteQuarantined', lateReply(answered));
  let claims: Claim[] = [];
  const taking = fetcher.take(2).then((taken) => (claims = taken));
  await until(() => scene.isNoted());
  await turn();
  expect([scene.calls, claims]).toEqual([['join', 'take 1 of 2', 'noteQuarantined w1 of this process'], []]);
  answered.open();
  await taking;
  claims[1]!.acknowledge();
  await fetcher.session.settler.drained();
  expect(scene.calls).toEqual(['ack w1 1 1 2 2']);
  claims[0]!.acknowledge();
  await fetcher.session.settler.drained();
  expect(scene.calls).toEqual(['ack w1 1 over', 'forgetQuarantined w1 of this process']);
  await until(async () => !(await scene.isNoted()));
});

it.each<[string, (scene: Scene) => Promise<unknown>]>([
  ['released', ({ fetcher }) => fetcher.leave()],
  ['lost with the lease', (scene) => scene.recover().then(() => scene.fetcher.beat())],
])('removes the note of a quarantined message that is %s', async (_how, end) => {
  const scene = new Scene();
  await scene.putQuarantined();
  await scene.fetcher.take(1);
  expect(await scene.isNoted()).toBe(true);
  await end(scene);
  expect(scene.calls).toContain('forgetQuarantined w1 of this process');
  await until(async () => !(await scene.isNoted()));
});

it('returns a quarantined message also if the note fails', async () => {
  const scene = new Scene();
  await scene.putQuarantined();
  scene.faulty.next('noteQuarantined', lostCall);
  expect(await scene.fetcher.take(1)).toHaveLength(1);
});

describe('a settled quarantined message', () => {
  /** A fetcher with an active quarantined message, while another one is in quarantine. */
  async function holdingOne() {
    const scene = new Scene();
    await scene.putQuarantined();
    await scene.putQuarantined();
    const [first] = await scene.fetcher.take(1);
    return { scene, fetcher: scene.fetcher, first: first! };
  }

  /** Whether `idle()` resolves at once. */
  const isOverAtOnce = (fetcher: Fetcher): Promise<boolean> =>
    Promise.race([fetcher.idle().then(() => true), turn().then(() => false)]);

  it('ends the wait of its worker, which may take the next one', async () => {
    const { scene, fetcher, first } = await holdingOne();
    const idle = fetcher.idle();
    first.acknowledge();
    await idle;
    expect(scene.faulty.waits).toBe(1); // Redis has not ended it
    expect(await fetcher.take(1)).toHaveLength(1);
  });

  it('ends the next wait, if it was settled after the last take was sent', async () => {
    const { fetcher, first } = await holdingOne();
    const taking = fetcher.take(1); // sent too early to bring the next one
    first.acknowledge();
    expect(await taking).toEqual([]);
    await fetcher.session.settler.drained();
    expect(await isOverAtOnce(fetcher)).toBe(true);
    await fetcher.take(1);
    expect(await isOverAtOnce(fetcher)).toBe(false);
  });
});

it('returns no message whose lease was lost during the note: its handler could not be aborted', async () => {
  const scene = new Scene();
  const { fetcher, faulty } = scene;
  await scene.putQuarantined();
  await scene.put('2');
  const answered = latch();
  faulty.next('noteQuarantined', lateReply(answered));
  const taking = fetcher.take(2);
  await until(() => scene.isNoted());
  await scene.recover();
  await fetcher.beat();
  answered.open();
  expect(await taking).toEqual([]);
});
