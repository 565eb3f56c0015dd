import { HotQueue } from 'hotqueue';
import { gave, jobsOf, messages, others, own, quoted, takenAlready } from '../seeing.js';
import { done, lines, notYet, part, type Part } from '../step.js';

const queue = 'queue';

/** The first exercise: two terminals and one queue. */
export const putAndConsume: Part = part(
  'Put and consume',
  'A producer puts messages into a queue; a consumer, somewhere else, takes them out, each exactly one of them.',
  {
    id: 'see-a-queue',
    where: 'here',
    queue,
    text: 'A Redis runs already, see above. In this terminal and in the second one, q is new HotQueue("queue"):\nboth point to the same list in Redis. Let it show itself.',
    type: lines('q'),
    hint: 'Type the letter q and Enter. You may also make it yourself: q = new HotQueue("queue")',
    check: (_now, _begun, { lines: typed }) =>
      typed.some(({ value }) => value instanceof HotQueue && value.name === queue) ? done('that is the queue "queue", with what is in it') : notYet('no line here has given the queue yet'),
  },
  {
    id: 'put-strings',
    where: 'here',
    queue,
    text: 'Put three or four strings into it.',
    type: lines("q.put('one', 'two', 'three', 'four')"),
    hint: 'put takes any number of messages and stores them in order: q.put("a", "b", "c")',
    check: (now, begun, here) => {
      const taken = takenAlready(now, here);
      if (taken !== undefined) return notYet(taken);
      const more = now.counts.waiting - begun.counts.waiting;
      return more >= 3 ? done(`${messages(now.counts.waiting)} wait in Redis: ${quoted(now.next)}`) : notYet(`${messages(Math.max(0, more))} came; three or four are wanted`);
    },
  },
  {
    id: 'check-length',
    where: 'here',
    queue,
    text: 'Check the length of the queue.',
    type: lines('q.size()'),
    hint: 'size is a question to Redis, so it has parentheses: q.size()',
    check: ({ counts: { waiting } }, _begun, here) => (gave(waiting, here) ? done(`${waiting}, and Redis says so too`) : notYet(`no line here has given ${waiting} yet, which is what Redis says`)),
  },
  {
    id: 'consume-there',
    where: 'there',
    queue,
    text: 'Consume them: the loop prints what is in the queue, then waits for more.',
    type: lines('for await (const item of q.consume()) console.log(item)'),
    hint: 'Open a second terminal in this folder and start "npx hotqueue repl" there. It finds the same Redis by itself.',
    check: (now, _begun, here) => {
      const [other] = others(now, here);
      if (other && now.counts.waiting === 0) return done(`a second terminal, process ${other.pid}, took them all, and waits for more: look there, the strings are on its screen`);
      if (own(now, here).length > 0) return notYet('this terminal consumes itself: Ctrl-C stops it; the loop is for the second one');
      return notYet(other ? `${messages(now.counts.waiting)} still wait` : `nobody takes from the queue yet, ${messages(now.counts.waiting)} wait`);
    },
  },
  {
    id: 'length-is-zero',
    where: 'here',
    queue,
    text: 'Back here, check the length again.',
    type: lines('q.size()'),
    hint: 'q.size()',
    check: ({ counts: { waiting } }, _begun, here) => (waiting === 0 && gave(0, here) ? done('0: what is consumed is gone') : notYet(`${messages(waiting)} wait; no line here has given 0 yet`)),
  },
  {
    id: 'put-more',
    where: 'here',
    queue,
    text: 'Put some more, with an eye on the second terminal.',
    type: lines("q.put('five', 'six')"),
    hint: 'q.put("anything"): the other terminal prints it as soon as it is there',
    check: (now, _begun, here) => {
      const put = jobsOf(queue, here);
      if (put.length === 0) return notYet('nothing was put here yet');
      if (others(now, here).length === 0) return notYet('nobody consumes any more: start the loop in the second terminal again');
      const { waiting, claimed } = now.counts;
      return waiting + claimed === 0 ? done(`put, and gone already: ${quoted(put.map(({ payload }) => payload))} went to the other terminal at once`) : notYet(`${messages(waiting + claimed)} not taken yet`);
    },
  },
  {
    id: 'stop-consuming',
    where: 'there',
    queue,
    text: 'Stop the loop.',
    type: lines('Ctrl-C'),
    hint: 'In the second terminal, hold Ctrl and press C. It says "stopped 1 consumer".',
    check: (now) =>
      now.workers.length === 0 ? done('nobody takes any more, and nothing is in anybody’s hands: nothing was lost') : notYet(`process ${now.workers.map(({ pid }) => pid).join(' and ')} still takes`),
  },
);
