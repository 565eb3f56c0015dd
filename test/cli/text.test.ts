import { writeFileSync } from 'node:fs';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { expect, it, onTestFinished } from 'vitest';
import { jsonText } from '../../src/cli/json-text.js';
import { aQueue, redis } from '../support/queue.js';
import { hotqueue } from './hotqueue.js';

/** JSON that changes when JavaScript parses it and writes it again. */
const delicate = [
  '9007199254740993',
  '123456789012345678901234567890',
  '-0',
  '1.0',
  '1e2',
  '0.1000',
  '1.00000000000000000000001',
  '{"b":1,"2":2,"1":1}',
  '{"a":1,"a":2}',
  '[ 1, 2 ]',
  '"\\u00e9\\/é\\ud83d\\ude00"',
  '"\\ud800"',
  '{"id":9007199254740993,"price":10.50}',
];

const lines = (texts: readonly string[]): string => texts.map((text) => `${text}\n`).join('');

it('put stores the text of a message unchanged: an argument, lines, and repeated', async () => {
  const queue = aQueue();
  const stored = async (): Promise<string[]> =>
    (await redis().lrange(queue.key, 0, -1)).map((message) => message.split('\n').at(-1)!);
  for (const text of delicate.slice(0, 3)) await hotqueue(['put', queue.name, text]);
  await hotqueue(['put', queue.name], { input: lines(delicate) });
  await hotqueue(['put', queue.name, '1.0', '--count', '2']);
  expect(await stored()).toEqual([...delicate.slice(0, 3), ...delicate, '1.0', '1.0']);
});

it('peek, get, consume and dead print the text of a message unchanged', async () => {
  const queue = aQueue();
  await redis().rpush(queue.key, ...delicate);
  const inJson = delicate.map((text) => expect.stringContaining(`,"payload":${text}`) as unknown);
  expect((await hotqueue(['peek', queue.name, '-n', '99', '--json'])).stdout.trim().split('\n')).toEqual(inJson);
  const asTable = delicate.map((text) => expect.stringContaining(`  ${text}`) as unknown);
  expect((await hotqueue(['peek', queue.name, '-n', '99'])).stdout.trim().split('\n').slice(1)).toEqual(asTable);
  expect((await hotqueue(['get', queue.name])).stdout).toBe(lines(delicate.slice(0, 1)));
  expect((await hotqueue(['get', queue.name, '--json'])).stdout).toContain(`,"payload":${delicate[1]},`);
  const rest = (await hotqueue(['consume', queue.name, '--limit', String(delicate.length - 2)])).stdout;
  expect(rest).toBe(lines(delicate.slice(2)));
  await redis().rpush(queue.key, ...delicate);
  for await (const delivery of queue.deliveries({ limit: delicate.length })) await delivery.bury('why');
  const listed = (await hotqueue(['dead', 'ls', queue.name, '--oldest'])).stdout.trim().split('\n').slice(1);
  // Letters that were buried in the same millisecond are in no certain order.
  expect(listed.map((line) => line.slice(line.indexOf('why  ') + 5).trim()).sort()).toEqual([...delicate].sort());
  const [letter] = await queue.dead.list();
  const shown = (await hotqueue(['dead', 'show', queue.name, letter!.key])).stdout;
  expect(delicate).toContain(shown.trimEnd().split('\n').at(-1)!.trim());
});

it('put refuses numbers that a worker cannot read', async () => {
  const queue = aQueue();
  const ended = await hotqueue(['put', queue.name, '{"n":1e400}']);
  expect(ended).toMatchObject({ code: 1, stdout: '' });
  expect(ended.stderr).toMatch(/n: is Infinity/);
  expect(await queue.size()).toBe(0);
});

it.each(['get', 'consume'])('%s buries what is not JSON, as a worker does', async (command) => {
  const queue = aQueue();
  await redis().rpush(queue.key, '{no json', '{"__proto__":1}', '1');
  expect(
    (await hotqueue([command, queue.name, '--idle-timeout', '1s'].slice(0, command === 'get' ? 2 : 4))).stdout,
  ).toBe('1\n');
  expect((await queue.dead.list()).map(({ error }) => error?.name)).toEqual([
    'InvalidPayloadError',
    'InvalidPayloadError',
  ]);
});

it('a file with one value over several lines becomes one line', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'hotqueue-text-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(
    path.join(folder, 'one.json'),
    '\ufeff{\r\n\t"n" : 9007199254740993,\n   "list": [\n  1.0,\n  2\n ]\n}\n',
  );
  const queue = aQueue();
  await hotqueue(['put', queue.name, `@${path.join(folder, 'one.json')}`]);
  expect((await hotqueue(['get', queue.name])).stdout).toBe('{"n" : 9007199254740993,"list": [1.0,2]}\n');
});

it('a line of JSON text keeps the value of any text', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(undefined, 2, '\t'), (value, indent) => {
      const text = JSON.stringify(value, undefined, indent);
      const { line } = jsonText(` ${text}\r\n`);
      expect(line).not.toMatch(/[\r\n\t]/);
      expect(JSON.parse(line)).toEqual(JSON.parse(text));
    }),
  );
});
