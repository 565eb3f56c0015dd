import { EventEmitter } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { silent } from '../../src/core/logger.js';
import type { ClaimRef, SettleReply } from '../../src/redis/broker.js';
import { Take } from '../../src/redis/take.js';
import type { QueueContext } from '../../src/redis/queue-context.js';
import { Fetcher } from '../../src/consumer/fetcher.js';
import { processId } from '../../src/consumer/process.js';
import { latch, until } from '../support/facts.js';
import { aTake, indexesOf } from '../support/takes.js';

const away = new Error('Connection is closed.');
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const numbersOf = (takes: readonly Take[]): string[] =>
  takes.map(({ acknowledgements: [number, count, size] }) => `${number}: ${count} of ${size}`);

/** A fake broker that records its calls, and replies as the test says. */
class Server {
  readonly asked: string[] = [];
  readonly workers: string[] = [];
  leaseMs = 30_000;
  /** Replies to the next takes. */
  takes: (Take | 'lost')[] = [];
  /** Replies to the next calls of each verb; after them, calls succeed. */
  answers: Partial<
    Record<'ack' | 'retry' | 'release' | 'beat' | 'note', (SettleReply | Error | Promise<SettleReply>)[]>
  > = {};

  fetcher(): Fetcher {
    const broker = {
      leaseMs: this.leaseMs,
      join: (worker: string) => this.#answer('join', '', void this.workers.push(worker)),
      announce: () => Promise.resolve(),
      take: (worker: string, number: number) => {
        this.asked.push(`take ${number}`);
        const take = this.takes.shift();
        if (take instanceof Take) (take as { worker: string }).worker = worker;
        return Promise.resolve(take === 'lost' ? take : { status: 'served', take, hints: {} });
      },
      ack: (worker: string, takes: readonly Take[]) =>
        this.#answer(
          'ack',
          `${this.#name(worker)} ${takes.map(({ settlement }) => settlement.join(' ').trim()).join('; ')}`,
        ),
      retry: (_worker: string, place: ClaimRef) => this.#answer('retry', placeOf(place)),
      release: (_worker: string, places: readonly ClaimRef[]) => this.#answer('release', places.map(placeOf).join(' ')),
      beat: (worker: string, number: number, takes: readonly Take[]) =>
        this.#answer('beat', `${this.#name(worker)} before ${number}; ${numbersOf(takes).join(', ')}`, {}),
      noteQuarantined: (process: string, worker: string) =>
        this.#answer('note', `${process === processId()} ${this.#name(worker)}`),
      forgetQuarantined: (process: string, worker: string) =>
        this.#answer('forget', `${process === processId()} ${this.#name(worker)}`),
      leave: () => this.#answer('leave', ''),
      wakeup: () => ({ wait: () => new Promise(() => {}), close: () => Promise.resolve() }),
    };
    const maintenance = { add: () => {}, remove: () => {}, observe: () => {} };
    const channel = {
      name: 'q',
      broker,
      maintenance,
      logger: silent,
      events: new EventEmitter(),
    } as unknown as QueueContext;
    const fetcher = new Fetcher(channel, { taking: new AbortController().signal, settling: {} });
    opened.push(fetcher);
    return fetcher;
  }

  /** The calls since the last access to this property. */
  get hints(): string[] {
    return this.asked.splice(0);
  }

  #name(worker: string): string {
    return `w${this.workers.indexOf(worker) + 1}`;
  }

  async #answer(verb: string, what: string, otherwise: unknown = 'done'): Promise<unknown> {
    this.asked.push(`${verb} ${what}`.trim());
    const answer = this.answers[verb as 'ack']?.shift() ?? otherwise;
    if (answer instanceof Error) throw answer;
    return answer;
  }
}

const placeOf = ({ take, index }: ClaimRef): string => `${take.number}.${index}`;
const opened: Fetcher[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((fetcher) => fetcher.leave()));
});

it('sends a heartbeat before a take if the last one is most of a lease ago: otherwise it could not start the taken messages', async () => {
  const server = new Server();
  server.leaseMs = 2_000;
  const fetcher = server.fetcher();
  await fetcher.take(1);
  await until(() => !fetcher.session.isProven);
  await fetcher.take(1);
  expect(server.hints.map((asked) => asked.split(' ')[0])).toEqual(['join', 'take', 'beat', 'take']);
  expect(fetcher.session.isProven).toBe(true);
});

it('continues to number its takes after a lost lease, so that a late settlement never refers to a new take', async () => {
  const server = new Server();
  const fetcher = server.fetcher();
  server.takes = [aTake(1, 'b', ['1']), 'lost', aTake(2, 'b', ['1'])];
  const [old] = await fetcher.take(1);
  const [current] = await fetcher.take(1);
  expect(server.workers).toHaveLength(2);
  expect([old!.take.number, current!.take.number]).toEqual([1, 2]);
  await fetcher.beat();
  expect(server.hints.at(-1)).toBe('beat w2 before 3; 2: 0 of 1');
  server.answers.ack = ['lost'];
  old!.acknowledge(); // the handler ends late
  await fetcher.session.settler.drained();
  expect(server.hints).toContain('ack w1 1 over');
  await fetcher.beat();
  expect(server.hints).toEqual(['beat w2 before 3; 2: 0 of 1']);
});

it('claims only the unsettled messages of a take whose reply comes again', async () => {
  const server = new Server();
  server.takes = [aTake(1, 'bbbbb', ['1', '2', '3', '4', '5'], '1-2', '4')];
  const claims = await server.fetcher().take(5);
  expect(claims.map(({ index }) => index)).toEqual([3, 5]);
});

it('sends an acknowledgement without a reply again with the next heartbeat, until Redis has removed the take', async () => {
  const server = new Server();
  const fetcher = server.fetcher();
  server.takes = [aTake(1, 'bb', ['1', '2'])];
  const [one, two] = await fetcher.take(2);
  server.answers.ack = [away, away, away];
  one!.acknowledge();
  await fetcher.session.settler.drained();
  expect(fetcher.session.holds(one!)).toBe(false);
  await fetcher.beat();
  expect(server.hints.slice(2)).toEqual(['ack w1 1 1 2 1', 'beat w1 before 2; 1: 1 of 2']);
  two!.acknowledge();
  await fetcher.session.settler.drained();
  await fetcher.beat();
  await fetcher.session.settler.drained();
  expect(server.hints).toEqual(['ack w1 1 over', 'beat w1 before 2; 1: 2 of 2', 'ack w1 1 over']);
  await fetcher.beat();
  await fetcher.session.settler.drained();
  expect(server.hints).toEqual(['beat w1 before 2; 1: 2 of 2', 'ack w1 1 over']);
  await fetcher.beat();
  expect(server.hints).toEqual(['beat w1 before 2;']);
});

it('never reports a take as finished while a retry is in flight: if that call got lost, so would the message', async () => {
  const server = new Server();
  const fetcher = server.fetcher();
  server.takes = [aTake(1, 'bbb', ['1', '2', '3'])];
  const [one, two, three] = await fetcher.take(3);
  const answered = latch<SettleReply>();
  server.answers.retry = [answered];
  const retried = two!.retryIn(0);
  one!.acknowledge();
  three!.acknowledge();
  await fetcher.session.settler.drained();
  await fetcher.beat();
  expect(server.hints.slice(2)).toEqual(['retry 1.2', 'ack w1 1 2 3 1,3', 'beat w1 before 2; 1: 2 of 3']);
  answered.open('done');
  await retried;
  await fetcher.session.settler.drained();
  expect(server.hints).toEqual(['ack w1 1 over 2']);
});

it('after a retry without a reply, releases the message with the next heartbeat, and only then finishes its take', async () => {
  const server = new Server();
  const fetcher = server.fetcher();
  server.takes = [aTake(1, 'bb', ['1', '2'])];
  const [one, two] = await fetcher.take(2);
  server.answers.retry = [away];
  server.answers.release = [away];
  await expect(one!.retryIn(0)).rejects.toThrow(away);
  two!.acknowledge();
  await fetcher.session.settler.drained();
  expect(server.hints.slice(2)).toEqual(['retry 1.1', 'ack w1 1 1 2 2']);
  await fetcher.beat(); // Redis is still down
  await fetcher.session.settler.drained();
  expect(server.hints).toEqual(['beat w1 before 2; 1: 1 of 2', 'release 1.1']);
  await fetcher.beat();
  await fetcher.session.settler.drained();
  expect(server.hints).toEqual(['beat w1 before 2; 1: 1 of 2', 'release 1.1', 'ack w1 1 over 1']);
});

it('finishes a take whose messages were released, one of them by the handler', async () => {
  const server = new Server();
  const fetcher = server.fetcher();
  server.takes = [aTake(1, 'bbb', ['1', '2', '3'])];
  const claims = await fetcher.take(3);
  await claims[1]!.release();
  await fetcher.session.giveBack(claims);
  await fetcher.session.settler.drained();
  expect(server.hints.slice(2)).toEqual(['release 1.2', 'release 1.1 1.3', 'ack w1 1 over 1,2,3']);
  expect(indexesOf(claims[0]!.take)).toEqual([]);
});

it('notes a quarantined message before it returns it, and removes the note when it is settled', async () => {
  const server = new Server();
  const fetcher = server.fetcher();
  const noted = latch<SettleReply>();
  server.answers.note = [noted];
  server.takes = [aTake(1, 'sb', ['1', '2'])];
  let claims: Awaited<ReturnType<Fetcher['take']>> = [];
  const taking = fetcher.take(2).then((taken) => (claims = taken));
  await turn();
  expect([server.hints, claims]).toEqual([['join', 'take 1', 'note true w1'], []]);
  noted.open('done');
  await taking;
  claims[1]!.acknowledge();
  await fetcher.session.settler.drained();
  expect(server.hints).toEqual(['ack w1 1 1 2 2']);
  claims[0]!.acknowledge();
  await fetcher.session.settler.drained();
  expect(server.hints).toEqual(['ack w1 1 over', 'forget true w1']);
});

it.each<[string, (server: Server, fetcher: Fetcher) => Promise<unknown>]>([
  ['released', (_server, fetcher) => fetcher.leave()],
  ['lost with the lease', (server, fetcher) => ((server.answers.beat = ['lost']), fetcher.beat())],
])('removes the note of a quarantined message that is %s', async (_how, end) => {
  const server = new Server();
  const fetcher = server.fetcher();
  server.takes = [aTake(1, 's', ['1'])];
  await fetcher.take(1);
  await end(server, fetcher);
  expect(server.asked).toContain('forget true w1');
});

it('returns a quarantined message also if the note fails', async () => {
  const server = new Server();
  server.answers.note = [away];
  server.takes = [aTake(1, 's', ['1'])];
  expect(await server.fetcher().take(1)).toHaveLength(1);
});

describe('a settled quarantined message', () => {
  /** A fetcher with an active quarantined message. */
  async function suspecting() {
    const server = new Server();
    const fetcher = server.fetcher();
    server.takes = [aTake(1, 's', ['1'])];
    const [suspect] = await fetcher.take(1);
    return { server, fetcher, suspect: suspect! };
  }

  /** Whether `idle()` resolves at once. */
  const isOverAtOnce = (fetcher: Fetcher): Promise<boolean> =>
    Promise.race([fetcher.idle().then(() => true), turn().then(() => false)]);

  it('ends the wait of its worker, which may take the next one', async () => {
    const { fetcher, suspect } = await suspecting();
    const idle = fetcher.idle();
    suspect.acknowledge();
    await idle;
  });

  it('ends the next wait, if it was settled after the last take was sent', async () => {
    const { fetcher, suspect } = await suspecting();
    const taking = fetcher.take(1); // sent too early to bring the next one
    suspect.acknowledge();
    await taking;
    await fetcher.session.settler.drained();
    expect(await isOverAtOnce(fetcher)).toBe(true);
    await fetcher.take(1);
    expect(await isOverAtOnce(fetcher)).toBe(false);
  });
});

it('returns no message whose lease was lost during the note: its handler could not be aborted', async () => {
  const server = new Server();
  const fetcher = server.fetcher();
  const noted = latch<SettleReply>();
  server.answers = { note: [noted], beat: ['lost'] };
  server.takes = [aTake(1, 'sb', ['1', '2'])];
  const taking = fetcher.take(2);
  await until(() => server.asked.includes('note true w1'));
  await fetcher.beat();
  noted.open('done');
  expect(await taking).toEqual([]);
});
