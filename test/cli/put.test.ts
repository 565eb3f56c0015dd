import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { until } from '../support/facts.js';
import { aName, aQueue } from '../support/queue.js';
import { hotqueue } from './hotqueue.js';
import { running } from './running.js';

const jobForm = z.strictObject({
  queue: z.string(),
  id: z.string().min(1),
  putAt: z.number().int(),
  isDuplicate: z.boolean(),
});
const payloadsOf = async (queue: ReturnType<typeof aQueue>): Promise<unknown[]> =>
  (await queue.peek(10_000)).map(({ payload }) => payload);

function aFile(content: string | Buffer): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'hotqueue-put-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = path.join(folder, 'messages');
  writeFileSync(file, content);
  return file;
}

it('puts one message, and prints its id', async () => {
  const queue = aQueue();
  const { code, stdout } = await hotqueue(['put', queue.name, '{"to":"ada"}']);
  expect(code).toBe(0);
  const [job] = await queue.peek();
  expect(job).toMatchObject({ id: stdout.trim(), payload: { to: 'ada' } });
});

it('puts with options, and reports in JSON whether an own id was a duplicate', async () => {
  const queue = aQueue();
  await hotqueue(['put', queue.name, '"late"', '--delay', '10m', '--priority', 'high', '--attempts', '7']);
  expect(await queue.delayed.list()).toMatchObject([{ text: '"late"', priority: 'high' }]);
  const twice = [
    await hotqueue(['put', queue.name, '1', '--id', 'one', '--json']),
    await hotqueue(['put', queue.name, '2', '--id', 'one', '--json']),
  ];
  expect(twice.map(({ stdout }) => jobForm.parse(JSON.parse(stdout)))).toMatchObject([
    { id: 'one', isDuplicate: false },
    { id: 'one', isDuplicate: true },
  ]);
  expect(twice[1]!.stderr).toMatch(/knows this id already: nothing was stored/);
  expect(await payloadsOf(queue)).toEqual([1]);
});

it('puts a message for a time (--at)', async () => {
  const queue = aQueue();
  expect(await hotqueue(['put', queue.name, '1', '--at', '2060-01-01T00:00Z'])).toMatchObject({ code: 0 });
  expect((await queue.delayed.list())[0]!.dueAt).toBe(Date.UTC(2060, 0, 1));
});

it('puts one message for each line of standard input, in order, and skips empty lines', async () => {
  const queue = aQueue();
  const lines = Array.from({ length: 2_500 }, (_, n) => JSON.stringify({ n, filler: 'ü'.repeat(40) }));
  const { stdout, stderr, code } = await hotqueue(['put', queue.name, '-'], {
    input: `\ufeff${lines.join('\r\n')}\n\n  \n`,
  });
  expect({ stdout, stderr, code }).toEqual({ stdout: `2,500 messages put on ${queue.name}\n`, stderr: '', code: 0 });
  expect(await payloadsOf(queue)).toEqual(lines.map((line) => JSON.parse(line) as unknown));
});

it('stores a line as soon as it arrives, without waiting for more', async () => {
  const queue = aQueue();
  const child = running(['put', queue.name]);
  child.pipes.stdin!.write('"first"\n"sec');
  await until(
    () => payloadsOf(queue),
    (found) => found.length === 1,
  );
  child.pipes.stdin!.end('ond"');
  expect(await child.ended).toBe(0);
  expect(await payloadsOf(queue)).toEqual(['first', 'second']);
});

it('puts one message many times (--count), and prints one line of JSON for each', async () => {
  const queue = aQueue();
  const { stdout } = await hotqueue(['put', queue.name, '{"n":1}', '--count', '1201', '--json']);
  const ids = stdout
    .trim()
    .split('\n')
    .map((line) => jobForm.parse(JSON.parse(line)).id);
  expect(new Set(ids).size).toBe(1_201);
  expect(await queue.size()).toBe(1_201);
});

it('puts a file as one message if it is one JSON value, otherwise one message per line', async () => {
  const queue = aQueue();
  expect(await hotqueue(['put', queue.name, `@${aFile('{\n  "to": "ada"\n}\n')}`])).toMatchObject({ code: 0 });
  expect(await hotqueue(['put', queue.name, `@${aFile('1\n2\n')}`])).toMatchObject({
    code: 0,
    stdout: `2 messages put on ${queue.name}\n`,
  });
  expect(await payloadsOf(queue)).toEqual([{ to: 'ada' }, 1, 2]);
});

it.each([
  [
    'no JSON',
    '1\n2\n\nthree\n4\n',
    /line 4: invalid JSON three: write a string in double quotes, "three" \(2 message\(s\) before this line are stored, none after it\)/,
    [1, 2],
  ],
  ['a second value', '{"a":1} {"b":2}\n', /line 1: invalid JSON .* \(.*\) \(0 message/, []],
  ['too large for a message', `1\n2\n"${'x'.repeat(1_100_000)}"\n4\n`, /line 3: .*\(2 message/, [1, 2]],
  ['no text', Buffer.from([0x31, 0x0a, 0xff, 0xfe, 0x0a]), /line 2: the line is not UTF-8.*\(1 message/, [1]],
  ['a message without an end', Buffer.alloc(17 * 1_048_576, 'x'), /line 1: the line is longer than 16 MiB/, []],
])(
  'reports the line number, and how many messages were stored before it: %s',
  async (_what, content, sentence, stored) => {
    const queue = aQueue();
    const { code, stderr, stdout } = await hotqueue(['put', queue.name, `@${aFile(content)}`]);
    expect(stderr).toMatch(sentence);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(await payloadsOf(queue)).toEqual(stored);
  },
);

it.each([
  [['hello'], 2, /error: invalid JSON hello: write a string in double quotes, "hello"\n.*'"hello"' for a string/],
  [['{to:ada}'], 2, /error: invalid JSON \{to:ada\} \(/],
  [['\u001b[31m'], 2, /error: invalid JSON \\x1b\[31m \(/],
  [['1', '--count', '0'], 2, /whole number from 1/],
  [['1', '--count', '2', '--id', 'x'], 2, /--id and --count cannot be used together/],
  [['-', '--id', 'x'], 2, /--id cannot be used with lines/],
  [['1', '--delay', '1h', '--at', '2060-01-01'], 2, /cannot be used with/],
  [['1', '--at', 'tomorrow'], 2, /It must be a time, such as/],
  [['1', '--priority', 'urgent'], 2, /Allowed choices are high, normal, low/],
  [['1', '--id', 'a b'], 1, /hotqueue: invalid id "a b"/],
  [['@/no/such/file'], 1, /hotqueue: cannot read @\/no\/such\/file: ENOENT/],
  [['@/'], 1, /cannot read @\/: EISDIR/],
])('put %j exits with %i and an error message, and puts nothing', async (args, code, sentence) => {
  const queue = aQueue();
  const ended = await hotqueue(['put', queue.name, ...args]);
  expect(ended.stderr).toMatch(sentence);
  expect(ended).toMatchObject({ code, stdout: '' });
  expect(await queue.counts()).toMatchObject({ waiting: 0, delayed: 0 });
});

it('reports how many messages were stored if Redis does not answer', async () => {
  const ended = await hotqueue(['put', aName(), '-', '--url', 'redis://127.0.0.1:1'], { input: '1\n' });
  expect(ended.stderr).toMatch(/^0 messages stored before this:\nhotqueue: no Redis answers/);
  expect(ended.code).toBe(1);
});
