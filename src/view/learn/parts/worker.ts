import { messages, others, own } from '../seeing.js';
import { done, lines, notYet, part, type Part } from '../step.js';

const queue = 'queue';

/** The third exercise: a function becomes a consumer. */
export const echoWorker: Part = part(
  'A worker instead of a loop',
  'q.worker turns a function into a consumer: no loop to write, and what fails is tried again.',
  {
    id: 'write-echo',
    where: 'here',
    queue,
    text: 'Write a function echo(item) that prints an item, and make it a worker. Python decorates the function, @q.worker;\nJavaScript has decorators for methods only, so q.worker goes around a function.',
    type: lines('const echo = q.worker((item) => console.log(item))'),
    hint: 'const echo = q.worker((item) => console.log(item)). For a method it is a decorator: class Echo { @q.worker echo(item: unknown) { … } }',
    check: (_now, _begun, here) => (typeof here.named('echo') === 'function' ? done('echo is a worker; called with an item it just prints it: try echo("hi")') : notYet('there is no function echo here')),
  },
  {
    id: 'call-echo',
    where: 'here',
    queue,
    text: 'Call it with nothing. It does not return: it works.',
    type: lines('echo()'),
    hint: 'echo(). With an item in the parentheses it would only print that.',
    check: (now, _begun, here) => (own(now, here).length > 0 ? done('this terminal works: echo waits for messages') : notYet('no worker of this terminal takes from the queue yet')),
  },
  {
    id: 'send-to-echo',
    where: 'there',
    queue,
    text: 'Send it something.',
    type: lines("q.put('hello', 'is anybody there?')"),
    hint: 'In the second terminal; if a container or a loop is still running there, stop it and start "npx hotqueue repl"',
    check: (now, begun, here) => {
      if (others(now, here).length > 0) return notYet('the second terminal takes from the queue as well, and may get what is meant for echo: Ctrl-C over there');
      const handled = now.counts.handled - begun.counts.handled;
      const { waiting, claimed } = now.counts;
      return handled > 0 && waiting + claimed === 0 ? done(`echo handled ${messages(handled)}: printed above`) : notYet(`echo has handled ${messages(handled)}, ${waiting + claimed} to do`);
    },
  },
  {
    id: 'stop-echo',
    where: 'here',
    queue,
    text: 'Only two things end a worker: an error that nobody catches does not, Ctrl-C and a signal do. In a file, worker.ts, the last line\nwould be await echo(), and "npx hotqueue worker worker.ts" runs such files.',
    type: lines('Ctrl-C'),
    hint: 'Hold Ctrl and press C, in this terminal.',
    check: (now, _begun, here) => (own(now, here).length === 0 ? done('echo has stopped; what it had not begun is still in the queue') : notYet('echo still works')),
  },
);
