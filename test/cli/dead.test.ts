import { expect, it } from 'vitest';
import type { DeadLetter, HotQueue } from 'hotqueue';
import { z } from 'zod';
import { filterOf } from '../../src/cli/dead/filter.js';
import { letterAsText, lettersAsText } from '../../src/cli/dead/letter.js';
import { Keys } from '../../src/redis/keys.js';
import { aQueue, redis } from '../support/queue.js';
import { hotqueue } from './hotqueue.js';

const failureForm = z.strictObject({ attempt: z.number(), at: z.number(), name: z.string(), message: z.string() });
const letterForm = z.strictObject({
  id: z.string(),
  key: z.string(),
  queue: z.string(),
  reason: z.string(),
  error: z.nullable(
    z.strictObject({
      name: z.string(),
      message: z.string(),
      stack: z.optional(z.string()),
      code: z.optional(z.string()),
      violations: z.optional(z.array(z.unknown())),
      cause: z.optional(z.unknown()),
      errors: z.optional(z.array(z.unknown())),
    }),
  ),
  attempts: z.number(),
  failures: z.array(failureForm),
  buriedAt: z.number(),
  bytes: z.base64(),
  text: z.string(),
});

/** Buries one message for each reason. */
async function bury(queue: HotQueue, ...reasons: string[]): Promise<string[]> {
  await queue.put(...reasons);
  const ids: string[] = [];
  for await (const delivery of queue.deliveries({ limit: reasons.length })) {
    ids.push(delivery.id);
    await delivery.bury(String(delivery.payload));
  }
  return ids;
}

it('ls prints a page, and how many more there are', async () => {
  const queue = aQueue();
  const ids = await bury(queue, 'one', 'two', 'three');
  const { stdout } = await hotqueue(['dead', 'ls', queue.name, '-n', '2', '--oldest']);
  expect(stdout.split('\n').slice(1)).toEqual([
    expect.stringContaining(ids[0]!),
    expect.stringContaining('two'),
    '1 more dead letter: use --offset 2',
    '',
  ]);
  const json = (await hotqueue(['dead', 'ls', queue.name, '--json', '--reason', 'T'])).stdout.trim().split('\n');
  expect(json.map((line) => letterForm.parse(JSON.parse(line)).reason)).toEqual(['three', 'two']);
  expect(await hotqueue(['dead', 'ls', queue.name, '--offset', '3'])).toEqual({
    code: 3,
    stdout: '',
    stderr: `${queue.name} has no more dead letter\n`,
  });
});

it('show prints a dead letter in full, or its bytes unchanged', async () => {
  const queue = aQueue();
  await redis().rpush(queue.key, Buffer.from('{"no": json \u001b[31m}'));
  await queue.get();
  const [{ key, bytes }] = (await queue.dead.list()) as [DeadLetter];
  const { stdout } = await hotqueue(['dead', 'show', queue.name, key]);
  expect(stdout).toContain('invalid payload');
  expect(stdout).toContain('{"no": json \\x1b[31m}');
  expect(stdout).not.toContain('\u001b');
  expect((await hotqueue(['dead', 'show', queue.name, key, '--bytes'])).stdout).toBe(bytes.toString());
  const json = letterForm.parse(JSON.parse((await hotqueue(['dead', 'show', queue.name, key, '--json'])).stdout));
  expect(Buffer.from(json.bytes, 'base64')).toEqual(bytes);
  expect(json.error).toMatchObject({ name: 'InvalidPayloadError' });
  expect(await hotqueue(['dead', 'show', queue.name, 'unknown'])).toEqual({
    code: 3,
    stdout: '',
    stderr: `${queue.name} has no dead letter "unknown"\n`,
  });
});

it('revive by key reports unknown keys', async () => {
  const queue = aQueue();
  const [id] = await bury(queue, 'a', 'b');
  const { code, stdout, stderr } = await hotqueue(['dead', 'revive', queue.name, id!, 'unknown', '--json']);
  const form = z.strictObject({ queue: z.string(), revived: z.literal(1), missing: z.tuple([z.literal('unknown')]) });
  expect(form.parse(JSON.parse(stdout))).toBeTruthy();
  expect({ code, stderr }).toEqual({ code: 3, stderr: `${queue.name} has no dead letter "unknown"\n` });
  expect(await queue.counts()).toMatchObject({ waiting: 1, dead: 1 });
  expect(await hotqueue(['dead', 'revive', queue.name, '--all'])).toMatchObject({
    code: 0,
    stdout: `1 dead letter of ${queue.name} revived\n`,
  });
  expect(await queue.counts()).toMatchObject({ waiting: 2, dead: 0 });
});

it('drop with a filter drops only matching dead letters; drop --all needs --yes', async () => {
  const queue = aQueue();
  await bury(queue, 'account closed', 'timeout', 'Account gone');
  expect(await hotqueue(['dead', 'drop', queue.name, '--reason', 'account'])).toMatchObject({
    code: 0,
    stdout: `2 dead letters of ${queue.name} dropped\n`,
  });
  const refused = await hotqueue(['dead', 'drop', queue.name, '--all']);
  expect(refused).toMatchObject({ code: 2, stdout: '' });
  expect(refused.stderr).toMatch(
    /drop all 1 dead letter of .* permanently\? There is no terminal to ask on: add --yes/,
  );
  expect(await queue.dead.size()).toBe(1);
  const { stdout } = await hotqueue(['dead', 'drop', queue.name, '--all', '--yes', '--json']);
  expect(
    z.strictObject({ queue: z.string(), dropped: z.literal(1), missing: z.tuple([]) }).parse(JSON.parse(stdout)),
  ).toBeTruthy();
  expect(await queue.counts()).toMatchObject({ waiting: 0, dead: 0 });
});

it.each([
  [['revive', 'QUEUE'], /no dead letter given: give either keys, or --all, or filters such as --reason/],
  [['drop', 'QUEUE', 'key', '--all', '--yes'], /too many ways to choose: give either keys/],
  [['drop', 'QUEUE', '--reason', ''], /It must not be empty: every dead letter contains an empty text/],
  [['revive', 'QUEUE', '--older-than', 'soon'], /invalid duration "soon"/],
  [['ls', 'QUEUE', '-n', 'x'], /whole number from 1/],
  [['forget', 'QUEUE'], /unknown command 'forget'/],
])('dead %j exits with 2 and an error message, and changes nothing', async (args, sentence) => {
  const queue = aQueue();
  await bury(queue, 'kept');
  const ended = await hotqueue(['dead', ...args.map((word) => (word === 'QUEUE' ? queue.name : word))]);
  expect(ended.stderr).toMatch(sentence);
  expect(ended).toMatchObject({ code: 2, stdout: '' });
  expect(await queue.counts()).toMatchObject({ waiting: 0, dead: 1 });
});

const aLetter: DeadLetter = {
  id: 'id',
  key: 'id~1',
  queue: 'emails',
  reason: 'failed 2 of 2 attempts',
  error: { name: 'TypeError', message: 'no\u001b]0;title', stack: 'TypeError: no\n    at line 1' },
  attempts: 2,
  failures: [{ attempt: 1, at: 0, name: 'Error', message: 'first' }],
  buriedAt: 60_000,
  bytes: Buffer.from('#id 1 0\n"x"'),
  text: '"x"',
};

it('prints a dead letter in full: the stack, the failures, the bytes, and no control characters', () => {
  const text = letterAsText(aLetter, 120_000);
  expect(text.split('\n')).toEqual(
    expect.arrayContaining([
      'id        id (key id~1)',
      '      at line 1',
      '  1  1970-01-01T00:00:00.000Z  Error: first',
      'bytes     11',
      '  "x"',
    ]),
  );
  expect(text).not.toContain('\u001b');
  expect(lettersAsText([aLetter], 120_000)).toContain('no\\x1b]0;title');
});

it.each([
  [{ error: 'typeerror' }, true],
  [{ error: 'NO' }, true],
  [{ error: 'RangeError' }, false],
  [{ reason: 'attempts', error: 'Type' }, true],
  [{ reason: 'expired', error: 'Type' }, false],
  [{ olderThan: 59_000 }, true],
  [{ olderThan: 61_000 }, false],
])('the filter %j: %s', (flags, passes) => {
  expect(filterOf(flags, 120_000)!(aLetter)).toBe(passes);
});

const foreignValues = ['null', '1', '"text"', '[]', '{}', '{"a":null}', 'true'];
const foreignRecords = [
  'no JSON',
  ...foreignValues,
  ...['reason', 'attempts', 'error', 'lane'].flatMap((field) => foreignValues.map((value) => `{"${field}":${value}}`)),
  ...['name', 'message', 'stack', 'violations'].flatMap((field) =>
    foreignValues.map((value) => `{"reason":"x","error":{"${field}":${value}}}`),
  ),
  '{"reason":"x","error":{"violations":[null,1,{"path":1,"rule":{},"message":[]}]}}',
];
const foreignMessages = ['', '#id 1 0\n1', '#id 1 0 f=3\n[1]\n1', '#id 1 0 f=9\n[{"at":1e99}]\n1', '\ufffd', '#'];

it('ls and show print any record that another program wrote', async () => {
  const queue = aQueue();
  const { dead, deadMessages } = new Keys(queue.name);
  const stored = foreignRecords.map((record, n) => [`key-${n}`, `${record}\n${foreignMessages[n % 6]}`] as const);
  for (const [key, entry] of stored) await redis().multi().zadd(dead, 1, key).hset(deadMessages, key, entry).exec();
  for (const letter of await queue.dead.list({ limit: 1_000 })) {
    letterForm.parse({ ...letter, error: letter.error ?? null, bytes: letter.bytes.toString('base64') });
    expect(letterAsText(letter, 0)).toContain('reason');
  }
  const plain = await hotqueue(['dead', 'ls', queue.name, '-n', '1000']);
  expect(plain).toMatchObject({ code: 0, stderr: '' });
  expect(plain.stdout.trim().split('\n')).toHaveLength(stored.length + 1);
  const json = await hotqueue(['dead', 'ls', queue.name, '-n', '1000', '--json']);
  expect(
    json.stdout
      .trim()
      .split('\n')
      .map((line) => letterForm.parse(JSON.parse(line))),
  ).toHaveLength(stored.length);
  const [[key]] = stored.filter(([, entry]) => entry.startsWith('{"reason":1')) as [readonly [string, string]];
  expect(await hotqueue(['dead', 'show', queue.name, key])).toMatchObject({ code: 0, stderr: '' });
});
