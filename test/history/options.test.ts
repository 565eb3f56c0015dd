import { expect, it } from 'vitest';
import { HotQueue } from 'hotqueue';
import { aQueue } from '../support/queue.js';

it.each([
  [{ history: true }, /invalid history true: say how much is kept/],
  [{ history: {} }, /give one of max and for/],
  [{ history: { max: 5, for: '1d' } }, /give one of max and for/],
  [{ history: { max: 0 } }, /invalid history\.max 0: expected a whole number from 1/],
  [{ history: { for: '10ms' } }, /invalid history\.for "10ms": expected at least 1000 ms/],
  [{ history: { max: 5, payload: 1 } }, /invalid history\.payload 1: expected true or false/],
  [{ history: { length: 5 } }, /unknown option "length"/],
  [{ history: { max: 5 }, wire: 'plain' }, /such messages have no ids/],
])('a queue refuses %j', (options, sentence) => {
  expect(() => new HotQueue('q', options as never)).toThrow(sentence);
  expect(() => new HotQueue('q', options as never)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
});

it.each([
  [{ since: 'yesterday' }, /invalid since "yesterday": expected a duration/],
  [{ since: new Date(NaN) }, /invalid since .*: expected a Date or Unix milliseconds/],
  [{ since: 1_795_731_866 }, /invalid since 1795731866: this is a time in 1970. Use Unix milliseconds, not seconds$/],
  [{ until: 1e20 }, /invalid until 100000000000000000000: expected a Date or Unix milliseconds, within 100 years/],
  [{ verb: [] }, /invalid verb \[\]: expected at least one verb/],
  [{ until: {} }, /invalid until .*: expected a Date/],
  [{ verb: 'done' }, /invalid verb "done": expected 'put' or/],
  [{ verb: ['put', 'done'] }, /invalid verb "done"/],
  [{ limit: 0 }, /invalid limit 0/],
  [{ id: '' }, /invalid id ""/],
])('read refuses %j', async (options, sentence) => {
  await expect(aQueue().history.read(options as never)).rejects.toThrow(sentence);
});

it.each([
  [{ group: 'g' }, /option group needs the option consumer/],
  [{ consumer: 'c' }, /options consumer and claimAfter need the option group/],
  [{ group: 'g', consumer: 'c', claimAfter: 5 }, /invalid claimAfter 5: expected at least 1000 ms/],
])('follow refuses %j', (options, sentence) => {
  expect(() => aQueue().history.follow(options as never)).toThrow(sentence);
});

it('a closed queue has no history to read or follow', async () => {
  const queue = aQueue();
  await queue.close();
  await expect(queue.history.read()).rejects.toMatchObject({ code: 'QUEUE_CLOSED' });
  expect(() => queue.history.follow()).toThrow(expect.objectContaining({ code: 'QUEUE_CLOSED' }));
});
