/** `TypeError: fetch failed` helps only with its cause: each place that shows an error shows its causes. */
import { expect, it } from 'vitest';
import { start, type HotQueue } from 'hotqueue';
import { until } from '../support/facts.js';
import { aQueue } from '../support/queue.js';
import { hotqueue } from './hotqueue.js';
import { aFile, WorkerRun } from './worker-run.js';

const whole = 'TypeError: fetch failed (cause: Error: connect ECONNREFUSED 127.0.0.1:9 (cause: Error: no route))';
const causes = whole.slice(whole.indexOf('(') + 1, -1);

function refused(): Error {
  const inner = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:9', { cause: new Error('no route') }), {
    code: 'ECONNREFUSED',
  });
  return new TypeError('fetch failed', { cause: inner });
}

/** A tracked message that has failed twice. @returns its id */
async function failedJob(queue: HotQueue): Promise<string> {
  const job = await queue.with({ track: true, attempts: 2, backoff: 0 }).put('x');
  const runner = start(queue.worker(() => Promise.reject(refused())));
  await until(
    () => queue.dead.size(),
    (size) => size === 1,
  );
  await runner.stop();
  return job.id;
}

it('the failures of a dead letter, its error, and the sentence in the log have the causes', async () => {
  const sentences: string[] = [];
  const warn = (_fields: object, sentence: string): void => void sentences.push(sentence);
  const queue = aQueue({ logger: { debug: () => {}, info: () => {}, warn, error: warn } });
  await failedJob(queue);
  const [letter] = await queue.dead.list();
  expect(letter!.failures.map((failure) => failure.causes)).toEqual([causes, causes]);
  expect(letter!.error).toMatchObject({ cause: { code: 'ECONNREFUSED', cause: { message: 'no route' } } });
  expect(sentences).toHaveLength(2);
  for (const sentence of sentences) expect(sentence).toContain(`: ${whole}`);
});

it('the result of a failed job rejects with an error that has them', async () => {
  const queue = aQueue();
  const id = await failedJob(queue);
  await expect(queue.job(id).result()).rejects.toMatchObject({
    cause: { message: 'fetch failed', cause: { code: 'ECONNREFUSED', cause: { message: 'no route' } } },
  });
});

it('dead ls, dead show, job show and jobs print them', async () => {
  const queue = aQueue();
  const id = await failedJob(queue);
  const printed = async (...words: string[]): Promise<string> => (await hotqueue(words)).stdout;
  expect(await printed('dead', 'ls', queue.name)).toContain(`failed 2 of 2 attempts: ${whole}`);
  expect(await printed('dead', 'ls', queue.name, '--error', 'no route')).toContain(id);
  const shown = await printed('dead', 'show', queue.name, id);
  expect(shown.split('\n').filter((line) => line.endsWith(whole))).toHaveLength(2); // its attempts
  expect(shown).toMatch(/cause:\n +Error: connect ECONNREFUSED[^]*cause:\n +Error: no route/);
  expect(await printed('job', 'show', queue.name, id)).toContain(whole);
  expect(await printed('jobs', queue.name, '--status', 'failed')).toContain(whole);
});

it('the log of hotqueue worker has them, as text and as JSON', async () => {
  const queue = aQueue();
  const source = `import { HotQueue } from 'hotqueue';
    const queue = new HotQueue('${queue.name}');
    export const work = queue.worker(() => {
      throw new TypeError('fetch failed', { cause: Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }) });
    }, { attempts: 1 });`;
  await queue.put(1);
  const pretty = new WorkerRun([aFile(source), '--burst', '--log', 'pretty']);
  await pretty.ended;
  expect(pretty.stdout).toContain('TypeError: fetch failed (cause: Error ECONNREFUSED: refused)');
  await queue.put(2);
  const json = new WorkerRun([aFile(source), '--burst', '--log', 'json']);
  await json.ended;
  expect(json.lines.find(({ event }) => event === 'bury')).toMatchObject({
    error: { name: 'TypeError', message: 'fetch failed', cause: { code: 'ECONNREFUSED', message: 'refused' } },
  });
});
