/** `hotqueue flow show`. */
import { expect, it } from 'vitest';
import { chain } from 'hotqueue';
import { aQueue } from '../support/queue.js';
import { hotqueue } from './hotqueue.js';

it('show prints all jobs before and behind one', async () => {
  const [one, two] = [aQueue(), aQueue()];
  const flow = await chain(one.task(1), two.task(), one.task());
  const [a, b, c] = flow.jobs.map(({ id }) => id);
  const { stdout } = await hotqueue(['flow', 'show', two.name, b!]);
  expect(stdout.trim().split('\n')).toEqual([
    `${one.name}      ${a}  waiting`,
    `  ${two.name}    ${b}  delayed`,
    `    ${one.name}  ${c}  delayed`,
  ]);
  const json = (await hotqueue(['flow', 'show', one.name, c!, '--json'])).stdout.trim().split('\n');
  expect(json.map((line) => JSON.parse(line) as object)).toEqual([
    { id: a, queue: one.name, status: 'waiting', after: [] },
    { id: b, queue: two.name, status: 'delayed', after: [a] },
    { id: c, queue: one.name, status: 'delayed', after: [b] },
  ]);
  expect((await hotqueue(['flow', 'show', one.name, a!, '--mermaid'])).stdout).toContain('j0 --> j1');
  expect(await hotqueue(['flow', 'show', one.name, 'nothing'])).toMatchObject({ code: 3, stdout: '' });
});
