/** The worker sends a wait and a take behind it in one packet. Redis may reply to these and to other takes in any order: each message must be active once. */
import { EventEmitter } from 'node:events';
import { afterEach, expect, it } from 'vitest';
import { silent } from '../../src/core/logger.js';
import type { ClaimRef } from '../../src/redis/transitions.js';
import type { Take } from '../../src/redis/take.js';
import type { QueueContext } from '../../src/redis/queue-context.js';
import { Fetcher } from '../../src/consumer/fetcher.js';
import { aTake } from '../support/takes.js';

type Reply = { status: string; take?: Take; hints: object };
const empty: Reply = { status: 'served', hints: {} };
const bringing = (take: Take): Reply => ({ ...empty, take });
const one = (): Take => aTake(1, 'b', ['"one"']);
const two = (): Take => aTake(2, 'b', ['"two"']);

/** A fake broker; the test gives its replies, in any order. */
class Server {
  readonly asked: string[] = [];
  readonly released: string[] = [];
  /** Messages of the takes behind a wait, one entry for each call of `onPipelined`. */
  readonly brought: string[][] = [];
  /** Numbers of the takes in the last heartbeat of the worker. */
  known: readonly number[] = [];
  /** Replies to ordinary takes, in order; after them, takes bring nothing. */
  takes: (Reply | Promise<Reply>)[] = [];
  endWait: (moved: boolean) => void = () => {};
  answerBehind: (reply: Reply | 'lost' | Error) => void = () => {};

  fetcher(): Fetcher {
    const broker = {
      leaseMs: 30_000,
      join: () => Promise.resolve(),
      announce: () => Promise.resolve(),
      take: (_worker: string, number: number, most: number) => {
        this.asked.push(`take ${number} of ${most}`);
        return Promise.resolve(this.takes.shift() ?? empty);
      },
      takeOn: (_client: unknown, _worker: string, number: number, most: number) => {
        this.asked.push(`behind ${number} of ${most}`);
        return new Promise(
          (resolve, reject) =>
            (this.answerBehind = (reply) => (reply instanceof Error ? reject(reply) : resolve(reply))),
        );
      },
      wakeup: () => ({
        wait: async (behind?: (client: unknown) => Promise<void>) => {
          const asked = behind?.({});
          const moved = await new Promise<boolean>((resolve) => (this.endWait = resolve));
          await asked;
          return moved;
        },
        close: () => Promise.resolve(),
      }),
      release: (_worker: string, places: readonly ClaimRef[]) =>
        Promise.resolve(this.released.push(...places.map(({ take, index }) => `${take.number}.${index}`)) && 'done'),
      ack: () => Promise.resolve('done'),
      beat: (_worker: string, _number: number, takes: readonly Take[]) =>
        Promise.resolve(((this.known = takes.map(({ number }) => number)), {})),
      leave: () => Promise.resolve(),
    };
    const channel = {
      name: 'q',
      broker,
      maintenance: { add: () => {}, remove: () => {}, observe: () => {} },
      logger: silent,
      events: new EventEmitter(),
    };
    const fetcher = new Fetcher(channel as unknown as QueueContext, {
      taking: new AbortController().signal,
      settling: {},
      onPipelined: (claims) => this.brought.push(texts(claims)),
    });
    opened.push(fetcher);
    return fetcher;
  }
}

const opened: Fetcher[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((fetcher) => fetcher.leave()));
});

const texts = (claims: readonly { text: string }[]): string[] => claims.map(({ text }) => text);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A fetcher that has stopped waiting, while its wait and the take behind it are still in flight. */
async function poked(): Promise<{ server: Server; fetcher: Fetcher }> {
  const server = new Server();
  const fetcher = server.fetcher();
  await fetcher.take(1);
  const idle = fetcher.idle(Infinity, 1);
  fetcher.poke();
  await idle;
  return { server, fetcher };
}

it('messages of the take behind a wait are passed on before idle() resolves, and the next take has the next number', async () => {
  const server = new Server();
  const fetcher = server.fetcher();
  expect(await fetcher.take(9)).toEqual([]);
  const idle = fetcher.idle(Infinity, 3);
  server.endWait(true);
  server.answerBehind(bringing(one()));
  await idle;
  expect(server.brought).toEqual([['"one"']]);
  await fetcher.take(2);
  expect(server.asked).toEqual(['take 1 of 9', 'behind 1 of 3', 'take 2 of 2']);
  expect(server.released).toEqual([]);
});

it('a take behind a wait that brings nothing passes on an empty array, and its number is used again', async () => {
  const server = new Server();
  const fetcher = server.fetcher();
  await fetcher.take(1);
  const idle = fetcher.idle(Infinity, 1);
  server.endWait(false);
  server.answerBehind(empty);
  await idle;
  expect(server.brought).toEqual([[]]);
  await fetcher.take(1);
  expect(server.asked).toEqual(['take 1 of 1', 'behind 1 of 1', 'take 1 of 1']);
});

it.each([
  ['lost its lease', 'lost' as const],
  ['gets no reply', new Error('Connection is closed.')],
])('a worker that %s takes in the ordinary way', async (_what, reply) => {
  const server = new Server();
  const fetcher = server.fetcher();
  await fetcher.take(1);
  const idle = fetcher.idle(Infinity, 1);
  server.endWait(true);
  server.answerBehind(reply);
  await idle;
  await fetcher.take(1);
  expect(server.asked).toEqual(['take 1 of 1', 'behind 1 of 1', 'take 1 of 1']);
  expect(server.brought).toEqual([]);
});

it('messages that an ordinary take brought under the same number are claimed once', async () => {
  const { server, fetcher } = await poked();
  server.takes = [bringing(one())];
  expect(texts(await fetcher.take(1))).toEqual(['"one"']);
  server.endWait(false);
  server.answerBehind(bringing(one()));
  await turn();
  await fetcher.beat();
  expect([server.known, server.released, server.brought]).toEqual([[1], [], []]);
});

it('the reply to an ordinary take in flight is processed first, whichever of the two calls got the message', async () => {
  const { server, fetcher } = await poked();
  let answer: (reply: Reply) => void = () => {};
  server.takes = [new Promise<Reply>((resolve) => (answer = resolve))];
  const taking = fetcher.take(1);
  server.endWait(true);
  server.answerBehind(bringing(one()));
  await turn();
  answer(bringing(one()));
  expect(texts(await taking)).toEqual(['"one"']);
  await turn();
  await fetcher.beat();
  expect([server.known, server.released, server.brought]).toEqual([[1], [], []]);
});

it('messages that arrive after the wait was given up are released at once', async () => {
  const { server, fetcher } = await poked();
  server.endWait(true);
  server.answerBehind(bringing(one()));
  await turn();
  expect([server.released, server.brought]).toEqual([['1.1'], []]);
  server.takes = [bringing(two())];
  expect(texts(await fetcher.take(1))).toEqual(['"two"']);
  expect(server.asked.at(-1)).toBe('take 2 of 1');
});

it('no take is sent behind a wait while a handler runs in the process: the handler could delay the message', async () => {
  const busy = new Server();
  busy.takes = [bringing(one())];
  await busy.fetcher().take(1);
  const server = new Server();
  const fetcher = server.fetcher();
  await fetcher.take(1);
  const idle = fetcher.idle(Infinity, 1);
  server.endWait(true);
  await idle;
  expect(server.asked).toEqual(['take 1 of 1']);
});
