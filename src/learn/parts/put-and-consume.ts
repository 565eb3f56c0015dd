import { HotQueue } from 'hotqueue';
import { gave, jobsOf, messages, others, own, quoted, takenAlready } from '../reading.js';
import { done, lines, notYet, part, type Part } from '../step.js';

const queue = 'queue';

/** Exercise 1: two terminals and one queue. */
export const putAndConsume: Part = part(
  'Put and consume',
  'A producer puts messages into a queue. A consumer takes them out. They can be\ntwo different programs. Each message goes to one consumer.',
  {
    id: 'see-a-queue',
    where: 'here',
    queue,
    text: 'A Redis server is running already: see the first lines above. In this\nterminal and in the second one, q is new HotQueue("queue"). Both use the same\nlist in Redis. Print the queue.',
    type: lines('q'),
    hint: 'Type the letter q, then press Enter. You can also create the queue yourself:\nq = new HotQueue("queue")',
    check: (_now, _begun, { lines: typed }) =>
      typed.some(({ value }) => value instanceof HotQueue && value.name === queue)
        ? done('that is the queue "queue", with its number of messages')
        : notYet('no line in this terminal has shown the queue yet'),
  },
  {
    id: 'put-strings',
    where: 'here',
    queue,
    text: 'Put three or four strings into the queue.',
    type: lines("q.put('one', 'two', 'three', 'four')"),
    hint: 'put accepts any number of messages and stores them in order:\nq.put("a", "b", "c")',
    check: (now, before, here) => {
      const taken = takenAlready(now, here);
      if (taken !== undefined) return notYet(taken);
      const more = now.counts.waiting - before.counts.waiting;
      return more >= 3
        ? done(`${messages(now.counts.waiting)} wait in Redis: ${quoted(now.next)}`)
        : notYet(`${messages(Math.max(0, more))} so far: put three or four`);
    },
  },
  {
    id: 'check-length',
    where: 'here',
    queue,
    text: 'Check the length of the queue.',
    type: lines('q.size()'),
    hint: 'size is a method: it asks Redis. Call it with parentheses: q.size()',
    check: ({ counts: { waiting } }, _begun, here) =>
      gave(waiting, here)
        ? done(`${waiting}: Redis has the same number`)
        : notYet(`no line in this terminal has shown ${waiting} yet, the number in Redis`),
  },
  {
    id: 'consume-there',
    where: 'there',
    queue,
    text: `Consume the messages. The loop prints each message, then waits for more.
When the loop asks for the next message, it acknowledges the message before it:
that one is done, and Redis deletes it. When you leave the loop early (break,
return, an error, Ctrl-C), the current message goes back to the queue.
Three ways to leave after a message without giving it back:
  q.consume({ limit: 1 })         the loop ends by itself after one message
  q.consume({ onLeave: 'ack' })   leaving acknowledges the current message
  q.deliveries()                  call await delivery.ack() yourself, then break`,
    type: lines('for await (const item of q.consume()) console.log(item)'),
    hint: 'Open a second terminal in this folder, and start "npx hotqueue repl" there.\nIt finds the same Redis by itself.',
    check: (now, _begun, here) => {
      const [other] = others(now, here);
      if (other && now.counts.waiting === 0)
        return done(
          `the second terminal (process ${other.pid}) took all messages and waits for more: see the strings there`,
        );
      if (own(now, here).length > 0)
        return notYet('the loop runs in this terminal: press Ctrl-C, then start it in the second terminal');
      return notYet(
        other
          ? `${messages(now.counts.waiting)} still waiting`
          : `no consumer yet, ${messages(now.counts.waiting)} waiting`,
      );
    },
  },
  {
    id: 'length-is-zero',
    where: 'here',
    queue,
    text: 'Back in this terminal, check the length again.',
    type: lines('q.size()'),
    hint: 'q.size()',
    check: ({ counts: { waiting } }, _begun, here) =>
      waiting === 0 && gave(0, here)
        ? done('0: consumed messages are not in the queue any more')
        : notYet(`${messages(waiting)} waiting; no line in this terminal has shown 0 yet`),
  },
  {
    id: 'put-more',
    where: 'here',
    queue,
    text: 'Put some more messages, and watch the second terminal.',
    type: lines("q.put('five', 'six')"),
    hint: 'q.put("anything"): the second terminal prints it at once',
    check: (now, _begun, here) => {
      const put = jobsOf(queue, here);
      if (put.length === 0) return notYet('no message was put in this terminal yet');
      if (others(now, here).length === 0) return notYet('no consumer: start the loop in the second terminal again');
      const { waiting, active } = now.counts;
      return waiting + active === 0
        ? done(`the second terminal got ${quoted(put.map(({ payload }) => payload))} at once`)
        : notYet(`${messages(waiting + active)} not consumed yet`);
    },
  },
  {
    id: 'stop-consuming',
    where: 'there',
    queue,
    text: 'Stop the loop in the second terminal.',
    type: lines('Ctrl-C'),
    hint: 'In the second terminal, hold Ctrl and press C. It prints "stopped 1 consumer".',
    check: (now) =>
      now.workers.length === 0
        ? done('the loop has stopped. No message is active, and no message was lost')
        : notYet(`process ${now.workers.map(({ pid }) => pid).join(' and ')} still consumes`),
  },
);
