import { messages, others, own } from '../reading.js';
import { done, lines, notYet, part, type Part } from '../step.js';

const queue = 'queue';

/** Exercise 3: a function becomes a consumer. */
export const echoWorker: Part = part(
  'A worker instead of a loop',
  'q.worker makes a consumer from a function. You do not write a loop, and a\nmessage that fails is retried.',
  {
    id: 'write-echo',
    where: 'here',
    queue,
    text: 'Write a function echo(item) that prints an item, and make it a worker. In\nPython, @q.worker decorates a function. JavaScript has decorators only for\nmethods, so here you pass the function to q.worker.',
    type: lines('const echo = q.worker((item) => console.log(item))'),
    hint: 'Type const echo = q.worker((item) => console.log(item))\nOn a method, q.worker is a decorator:\nclass Echo { @q.worker echo(item: unknown) { … } }',
    check: (_now, _begun, here) =>
      typeof here.named('echo') === 'function'
        ? done('echo is a worker. With an argument it only prints it: try echo("hi")')
        : notYet('this terminal has no function echo yet'),
  },
  {
    id: 'call-echo',
    where: 'here',
    queue,
    text: 'Call echo without an argument. The call does not return: it waits for\nmessages and handles them.',
    type: lines('echo()'),
    hint: 'Type echo(). With an argument, it would only print the argument.',
    check: (now, _begun, here) =>
      own(now, here).length > 0
        ? done('echo is running: it waits for messages')
        : notYet('no worker is running in this terminal yet'),
  },
  {
    id: 'send-to-echo',
    where: 'there',
    queue,
    text: 'Send messages to echo.',
    type: lines("q.put('hello', 'how are you?')"),
    hint: 'Type it in the second terminal. If a container or a loop is still running\nthere, stop it and start "npx hotqueue repl".',
    check: (now, before, here) => {
      if (others(now, here).length > 0)
        return notYet('the second terminal consumes too, and could get the messages for echo: press Ctrl-C there');
      const handled = now.counts.done - before.counts.done;
      const { waiting, active } = now.counts;
      return handled > 0 && waiting + active === 0
        ? done(`echo handled ${messages(handled)}: see above`)
        : notYet(`echo has handled ${messages(handled)}, ${waiting + active} left`);
    },
  },
  {
    id: 'stop-echo',
    where: 'here',
    queue,
    text: 'Stop the worker. Ctrl-C or a signal stops a worker. An error in the function\ndoes not: the message is retried. In a file worker.ts, the last line would be\n"await echo()", and "npx hotqueue worker worker.ts" would run the file.',
    type: lines('Ctrl-C'),
    hint: 'In this terminal, hold Ctrl and press C.',
    check: (now, _begun, here) =>
      own(now, here).length === 0
        ? done('echo has stopped. Messages that it had not started are still in the queue')
        : notYet('echo is still running'),
  },
);
