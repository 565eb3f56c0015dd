import { start } from 'hotqueue';
import { expect, it, onTestFinished } from 'vitest';
import { Keys } from '../../src/redis/keys.js';
import { until } from '../support/facts.js';
import { aQueue, redis } from '../support/queue.js';
import { keys } from '../support/terminal.js';
import { hotqueue } from '../cli/hotqueue.js';
import { aPrompt, enter } from './prompt.js';

/** The output of a prompt for these lines. */
async function printed(queue: string, ...lines: string[]): Promise<string> {
  const { stdout } = await hotqueue(['repl', queue], { input: lines.map((line) => `${line}\n`).join('') });
  return stdout;
}

it('a job prints with its status, alone and in an array', async () => {
  const { name } = aQueue();
  const stdout = await printed(
    name,
    "tracked = q.with({ track: true }); job = await tracked.put('a')",
    'job',
    'job.cancel()',
    'job',
    "tracked.put('b', 'c')",
    'q.job(job.id)',
    "q.job('unknown')",
  );
  const form = [
    `Job {\n  id: 'ID',\n  status: 'waiting',\n  queue: '${name}',\n  payload: 'a',\n  putAt: \\d+\n}`,
    `Job {\n  id: 'ID',\n  status: 'waiting',[^}]*}`,
    'true',
    `Job {\n  id: 'ID',\n  status: 'cancelled',[^}]*}`,
    `\\[\n  Job {\n    id: 'ID',\n    status: 'waiting',[^}]*payload: 'b',[^}]*},\n  Job {[^}]*status: 'waiting',[^}]*payload: 'c',[^}]*}\n\\]`,
    `Job {\n  id: 'ID',\n  status: 'cancelled',\n  queue: '${name}'\n}`,
    `Job {\n  id: 'unknown',\n  status: 'unknown',\n  queue: '${name}'\n}`,
  ].join('\n');
  expect(stdout).toMatch(
    new RegExp(`^${form.replaceAll('ID', '[\\w-]+').replaceAll(' {', ' \\{').replaceAll('}\n', '\\}\n')}\n$`),
  );
});

it('an untracked job prints as before, and says how to track it', async () => {
  const stdout = await printed(aQueue().name, "job = await q.put('a')", 'job.result()');
  expect(stdout).toMatch(/^\{\n {2}id: '[\w-]+',\n {2}queue: '[^']+',\n {2}payload: 'a',/);
  expect(stdout).toContain('NotTrackedError: result() of message');
  expect(stdout).toContain('Set track: true on the queue');
});

it('a line awaits a result, and prints the error of a failed job as one sentence', async () => {
  const queue = aQueue({ track: true, attempts: 1 });
  const runner = start(
    queue.worker((n) => {
      if (n === 0) throw new RangeError('not zero');
      return { half: (n as number) / 2 };
    }),
  );
  onTestFinished(() => runner.stop());
  const stdout = await printed(
    queue.name,
    'await (await q.with({ track: true }).put(8)).result()',
    'const failed = await q.with({ track: true, attempts: 1 }).put(0)',
    'failed.result()',
  );
  expect(stdout).toMatch(
    /^\{ half: 4 \}\nUncaught:?\sJobFailedError: job \S+ of queue "\S+" failed after 1 attempt\(s\): not zero\n$/,
  );
});

it.each([
  ['a wait for a result', "console.log('went on', await job.result())"],
  [
    'a wait with a signal of its own',
    "console.log('went on', await job.result({ signal: new AbortController().signal }))",
  ],
  ['a loop over watch()', "for await (const step of job.watch()) console.log('went on', step.status)"],
  ['many waits', "console.log('went on', await Promise.all(Array.from({ length: 50 }, () => job.result())))"],
])('Ctrl-C ends %s', async (_what, line) => {
  const queue = aQueue({ track: true });
  const screen = await aPrompt(['repl', queue.name]);
  const job = await queue.put('a');
  await enter(screen, `const job = q.job('${job.id}')`, /hotqueue>$/);
  await enter(screen, line, line.slice(-10));
  await until(
    () => redis().hexists(new Keys(queue.name).job(job.id), 'watched'),
    (isWatched) => isWatched === 1,
  );
  if (line.includes('watch()')) await screen.shows(/went on waiting$/); // the first step of all
  screen.type(keys.ctrlC);
  await screen.shows(/\^C\nhotqueue>$/);
  // The line does not go on when the job ends.
  await enter(
    screen,
    'let after = "nothing"; job.result().then(() => (after = "the next line only")); 1',
    /^1\nhotqueue>$/m,
  );
  const runner = start(queue.worker((payload) => payload));
  onTestFinished(() => runner.stop());
  await job.result();
  await enter(screen, 'await job.result()', /^'a'\nhotqueue>$/m);
  await enter(screen, 'after', /'the next line only'\nhotqueue>$/);
  expect(screen.history).not.toMatch(/Uncaught|Warning|^went on (?!waiting)/m);
});

it('.jobs lists the newest jobs with their outcomes, or those with one status', async () => {
  const queue = aQueue({ track: true, attempts: 1 });
  const runner = start(
    queue.worker((payload) => {
      if (payload === 'bad') throw new RangeError('too bad');
      return payload;
    }),
  );
  await (await queue.put({ n: 1 })).result();
  await (await queue.put('bad')).result().catch(() => undefined);
  await runner.stop();
  await queue.put('\u001b[2Jforged\nline');
  const all = await printed(queue.name, '.jobs');
  expect(all).toMatch(
    /^id +status +put +outcome +message\n\S+ +waiting +.* - +'\\x1B\[2Jforged\\nline'\n\S+ +failed +.* RangeError: too bad +'bad'\n\S+ +done +.* {"n":1} +{ n: 1 }\nawait q\.job\(id\)/,
  );
  const failed = await printed('other', `.jobs ${queue.name} failed`);
  expect(failed).toMatch(/^id +status +put +outcome +message\n\S+ +failed [^\n]*\nawait q/);
  expect(await printed(queue.name, '.jobs delayed')).toBe(`${queue.name} has no job that is delayed\n`);
  const { name } = aQueue();
  expect(await printed(name, '.jobs')).toBe(
    `${name} has no tracked job: put one with q.with({ track: true }).put(…)\n`,
  );
});
