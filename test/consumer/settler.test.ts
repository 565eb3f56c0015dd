import { expect, it } from 'vitest';
import type { Broker } from '../../src/redis/broker.js';
import type { SettleReply } from '../../src/redis/transitions.js';
import type { Take } from '../../src/redis/take.js';
import { Settler } from '../../src/consumer/settler.js';
import { aTake } from '../support/takes.js';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const sized = (number: number, size: number, worker = 'w'): Take =>
  aTake(
    number,
    'b'.repeat(size),
    Array.from({ length: size }, (_, index) => `${index}`),
    '',
    '',
    worker,
  );

/** Acks on a fake broker; the test gives each reply. */
function acking() {
  const sent: string[][] = [];
  const answers: ((outcome: SettleReply | Error) => void)[] = [];
  const heard: string[] = [];
  const over: number[] = [];
  const ack = (worker: string, takes: readonly Take[]): Promise<SettleReply> => {
    sent.push([worker, ...takes.flatMap((take) => take.settlement)]);
    return new Promise((resolve, reject) =>
      answers.push((outcome) => (outcome instanceof Error ? reject(outcome) : resolve(outcome))),
    );
  };
  const settler = new Settler({ ack } as unknown as Broker, {}, ({ number }) => over.push(number));
  return {
    settler,
    sent,
    /** The reply that each claim received, such as `1.2 done`. */
    heard,
    /** Numbers of the takes that Redis has removed. */
    over,
    done: (take: Take, index: number) =>
      settler.add({
        take,
        index,
        onAckReply: (outcome: SettleReply | Error) =>
          void heard.push(`${take.number}.${index} ${outcome instanceof Error ? outcome.message : outcome}`),
      }),
    answer: (outcome: SettleReply | Error = 'done') => (answers.shift()!(outcome), turn()),
  };
}

it('acknowledgements of one turn go in one call, each take once', async () => {
  const { sent, heard, done, answer } = acking();
  const [one, two] = [sized(1, 4), sized(2, 2)];
  for (const [take, index] of [
    [one, 1],
    [two, 1],
    [one, 3],
    [one, 2],
  ] as const)
    done(take, index);
  expect(sent).toEqual([]);
  await turn();
  expect(sent).toEqual([['w', '1', '3', '4', '1-3', '2', '1', '2', '1']]);
  await answer();
  expect(heard).toEqual(['1.1 done', '2.1 done', '1.3 done', '1.2 done']);
});

it('acknowledgements during a call wait for its reply, then the whole state of the take is sent', async () => {
  const { sent, heard, done, answer } = acking();
  const take = sized(7, 5);
  done(take, 1);
  await turn();
  done(take, 4);
  await turn();
  done(take, 2);
  await turn();
  expect(sent).toEqual([['w', '7', '1', '5', '1']]);
  await answer();
  expect(sent.at(-1)).toEqual(['w', '7', '3', '5', '1-2,4']);
  expect(heard).toEqual(['7.1 done']);
  await answer('already');
  expect(heard).toEqual(['7.1 done', '7.4 already', '7.2 already']);
  expect(sent).toHaveLength(2);
});

it('a take counts as removed after a call that reported it as finished, not when it finished during a call', async () => {
  const { sent, over, done, answer } = acking();
  const take = sized(3, 2);
  done(take, 1);
  await turn();
  done(take, 2);
  await answer();
  expect([sent, over]).toEqual([
    [
      ['w', '3', '1', '2', '1'],
      ['w', '3', 'over', ''],
    ],
    [],
  ]);
  await answer();
  expect(over).toEqual([3]);
});

it('a take is finished only when every retry, bury and release is confirmed: until then, Redis must be able to give the messages back', async () => {
  const { settler, sent, over, done, answer } = acking();
  const take = sized(3, 3);
  done(take, 1);
  done(take, 3);
  await turn();
  await answer();
  expect(sent).toEqual([['w', '3', '2', '3', '1,3']]);
  take.confirm(2); // the reply to its retry has arrived
  settler.close(take);
  await turn();
  expect(sent.at(-1)).toEqual(['w', '3', 'over', '2']);
  await answer();
  expect(over).toEqual([3]);
});

it('a take is not removed if the reply to its last acknowledgement is lost, and can be acknowledged again', async () => {
  const { settler, sent, heard, over, done, answer } = acking();
  const take = sized(3, 1);
  done(take, 1);
  await turn();
  await answer(new Error('Connection is closed.'));
  expect([heard, over]).toEqual([['3.1 Connection is closed.'], []]);
  settler.close(take);
  await turn();
  await answer('already');
  expect(sent).toEqual([
    ['w', '3', 'over', ''],
    ['w', '3', 'over', ''],
  ]);
  expect([heard, over]).toEqual([['3.1 Connection is closed.'], [3]]);
});

it('after a lost lease, claims of the old and the new worker go in separate calls, and each gets its own reply', async () => {
  const { sent, heard, done, answer } = acking();
  done(sized(1, 2, 'old'), 1);
  done(sized(2, 2, 'new'), 2);
  await turn();
  expect(sent).toEqual([['old', '1', '1', '2', '1']]);
  await answer('lost');
  expect(heard).toEqual(['1.1 lost']);
  expect(sent.at(-1)).toEqual(['new', '2', '1', '2', '2']);
  await answer();
  expect(heard).toEqual(['1.1 lost', '2.2 done']);
});

it('is drained when Redis has replied to all calls, also to those that started meanwhile', async () => {
  const { settler, done, answer } = acking();
  const take = sized(1, 2);
  let isDrained = false;
  done(take, 1);
  void settler.drained().then(() => (isDrained = true));
  await turn();
  done(take, 2);
  await answer();
  expect(isDrained).toBe(false);
  await answer();
  expect(isDrained).toBe(true);
});

it('isPending is true for the takes of a call that is in flight or about to be sent', async () => {
  const { settler, done, answer } = acking();
  const [one, two] = [sized(1, 2), sized(2, 2)];
  const pending = (): boolean[] => [one, two].map((take) => settler.isPending(take));
  expect(pending()).toEqual([false, false]);
  done(one, 1);
  expect(pending()).toEqual([true, false]);
  await turn();
  done(two, 1);
  expect(pending()).toEqual([true, true]);
  await answer();
  expect(pending()).toEqual([false, true]);
  await answer(new Error('away'));
  expect(pending()).toEqual([false, false]);
});
