import { expect, it } from 'vitest';
import { until } from '../support/facts.js';
import { aQueue, redis } from '../support/queue.js';
import { hotqueue } from './hotqueue.js';
import { running } from './running.js';

const history = { max: 1_000 };

it('shows everything that happened to one message', async () => {
  const queue = aQueue({ history, logger: false });
  const [job] = await queue.put('x', 'other');
  for await (const delivery of queue.deliveries({ limit: 1 })) await delivery.bury('no \x1b[31maddress');
  const { code, stdout } = await hotqueue(['history', queue.name, '--id', job!.id]);
  expect(code).toBe(0);
  expect(stdout.split('\n')).toEqual([
    expect.stringMatching(new RegExp(`^\\d{4}-\\S+Z  put {8}${job!.id}$`)),
    expect.stringMatching(new RegExp(`^\\d{4}-\\S+Z  take {7}${job!.id}  attempt 1  worker \\S+$`)),
    expect.stringMatching(
      new RegExp(`^\\d{4}-\\S+Z  bury {7}${job!.id}  attempt 1  no \\\\x1b\\[31maddress  worker \\S+$`),
    ),
    '',
  ]);
});

it('chooses entries by verb, time and number, as text and as JSON', async () => {
  const queue = aQueue({ history });
  await queue.put('a', 'b', 'c');
  for await (const _ of queue.consume({ limit: 2 }));
  const json = async (...words: string[]): Promise<{ verb: string; key: string }[]> =>
    (await hotqueue(['history', queue.name, '--json', ...words])).stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as { verb: string; key: string });
  const all = await json();
  expect(all.length).toBeGreaterThanOrEqual(7);
  expect((await json('--verb', 'put', 'ack')).map(({ verb }) => verb)).toEqual(['put', 'put', 'put', 'ack', 'ack']);
  expect(await json('-n', '2')).toEqual(all.slice(-2));
  expect(await json('--since', all[2]!.key, '--until', all[4]!.key)).toEqual(all.slice(2, 4));
  expect(await json('--since', '1h')).toEqual(all);
});

it('follows the history until it is interrupted', async () => {
  const queue = aQueue({ history });
  const child = running(['history', queue.name, '--follow', '--json', '--verb', 'put']);
  await until(
    () => redis().client('LIST') as Promise<string>,
    (list) => list.split('\n').some((line) => / cmd=xread /.test(line) && / flags=\S*b/.test(line)),
  );
  const [a, b] = await queue.put('a', 'b');
  for await (const _ of queue.consume({ limit: 2 }));
  await until(() => child.lines.length === 2);
  expect(child.lines.map((line) => (JSON.parse(line) as { id: string }).id)).toEqual([a!.id, b!.id]);
  expect(await child.kill('SIGINT')).toBe(0);
});

it('says how a history is turned on, and removes it with its queue', async () => {
  const queue = aQueue();
  expect(await hotqueue(['history', queue.name])).toMatchObject({
    code: 3,
    stderr: expect.stringMatching(/has no entry at all: a program turns the history on/) as string,
  });
  const other = aQueue({ history });
  await other.put('x');
  expect(await redis().exists(`{${other.key}}:history`)).toBe(1);
  expect((await hotqueue(['queues', 'rm', other.name, '--force', '--yes'])).code).toBe(0);
  expect(await redis().exists(`{${other.key}}:history`)).toBe(0);
});

it.each([
  [['--verb', 'done'], 2, /Allowed choices are put/],
  [['--since', 'whenever'], 2, /whenever/],
  [['-n', '0'], 2, /whole number/],
])('%j exits with %i and an error message', async (words, code, sentence) => {
  const ended = await hotqueue(['history', aQueue().name, ...words]);
  expect(ended).toMatchObject({ code, stdout: '' });
  expect(ended.stderr).toMatch(sentence);
});
