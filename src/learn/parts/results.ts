import { gave, messages, others, takenAlready } from '../reading.js';
import { done, lines, notYet, part, type Here, type Part } from '../step.js';

const queue = 'texts';

/** Exercise 6: what a worker returns comes back. */
export const results: Part = part(
  'Results',
  'Until now, a message that is done is gone, and what its worker returned is\ndropped. A tracked message is a job: Redis keeps its status and its result, for\n10 minutes after its end.',
  {
    id: 'put-tracked',
    where: 'here',
    queue,
    text: 'Create a queue that tracks its messages, and put a text. Keep the job in a\nvariable.',
    type: lines("const texts = new HotQueue('texts', { track: true })", "job = await texts.put('the quick brown fox')"),
    hint: 'The option is { track: true }. The variable must be named job, and "await" must\nstand before texts.put: without it, job is a promise.',
    check: (now, before, here) => {
      const taken = takenAlready(now, here);
      if (taken !== undefined) return notYet(taken);
      if (here.named('job') instanceof Promise) return notYet('job is a promise: write job = await texts.put(…)');
      if (now.jobs.waiting <= before.jobs.waiting)
        return notYet(
          now.counts.waiting > before.counts.waiting
            ? 'the message is not tracked: create the queue with { track: true }'
            : 'no new job in "texts" yet',
        );
      if (!isJob(here.named('job')))
        return notYet('the job is in Redis, but this terminal has no variable job: put one more');
      return gave(here.named('job'), here)
        ? done('the prompt shows the status of the job: it is waiting')
        : notYet('no line in this terminal has shown the job yet: type job');
    },
  },
  {
    id: 'ask-status',
    where: 'here',
    queue,
    text: 'Ask for the status. Any process that has the id can do this:\nnew HotQueue("texts").job(id) is the same job.',
    type: lines('job.status()'),
    hint: 'status is a method: it asks Redis. Call it with parentheses: job.status()',
    check: (_now, _begun, here) => {
      const status = statusIn(here);
      return status === undefined
        ? notYet('no line in this terminal has shown the status yet')
        : done(`the job is ${status}. The others are delayed, running, retrying, done, failed, cancelled and expired`);
    },
  },
  {
    id: 'count-words',
    where: 'there',
    queue,
    text: 'Count the words. A worker needs no option for it: what it returns is stored in\nthe step that acknowledges the message.',
    type: lines(
      "const texts = new HotQueue('texts')",
      "const count = texts.worker((text) => text.split(' ').length)",
      'count()',
    ),
    hint: 'Type it in the second terminal. The function returns the number of words.',
    check: (now, before) => {
      const more = now.jobs.done - before.jobs.done;
      return more > 0
        ? done(`the second terminal has handled ${messages(more)}, and Redis has the result`)
        : notYet(`no job of "texts" is done yet, ${now.jobs.waiting} waiting`);
    },
  },
  {
    id: 'ask-result',
    where: 'here',
    queue,
    text: 'Get the result. The call waits until the job has ended; Ctrl-C ends the wait.\nIf the worker had thrown an error, you would get this error.',
    type: lines('job.result()'),
    hint: 'job.result(). With { timeout: "5s" } it waits at most five seconds.',
    check: (_now, _begun, { lines: typed }) => {
      const result = typed.find(({ value }) => typeof value === 'number');
      return result === undefined
        ? notYet('no line in this terminal has shown a number of words yet')
        : done(`${String(result.value)}: the second terminal has counted, and this terminal has the result`);
    },
  },
  {
    id: 'stop-counting',
    where: 'there',
    queue,
    text: 'Stop the worker. Type .jobs texts in this terminal to see the jobs that have\nended, with their results.',
    type: lines('Ctrl-C'),
    hint: 'In the second terminal, hold Ctrl and press C.',
    check: (now, _begun, here) =>
      others(now, here).length === 0
        ? done('the worker has stopped. The result stays in Redis for 10 minutes')
        : notYet('the second terminal still counts'),
  },
);

const isJob = (value: unknown): boolean => typeof (value as { result?: unknown } | undefined)?.result === 'function';

const statusIn = ({ lines: typed }: Here): string | undefined =>
  typed.map(({ value }) => value).find((value) => typeof value === 'string');
