/** The grammar of a header exists twice: in `envelope.ts` and in `_lib.lua`. Both must read every message in the same way. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { withLibrary } from '../../src/redis/scripts.js';
import { headerLine, open } from '../../src/wire/envelope.js';
import { redis } from '../support/queue.js';

/** What each side reads in a message: the header, the length of its line, and how many bytes of failures come after it. */
type Read = readonly [id: string, attempts: number, crashes: number, fields: string, line: number, failures: number];

const lua = withLibrary(`
  local replies = {}
  for index, message in ipairs(ARGV) do
    local id, attempts, crashes, fields, length = parseHeader(message)
    replies[index] = id and {id, attempts, crashes, fields, length, failuresLength(message, fields, length)} or {}
  end
  return replies`);

async function readByScripts(messages: readonly string[]): Promise<unknown> {
  return redis().eval(lua, 0, ...messages);
}

function readByClient(message: string): Read | [] {
  const { header, headerLength, failures } = open(message);
  if (!header) return [];
  const { id, attempts, crashes, fields } = header;
  const line = message.indexOf('\n') + 1;
  // The line of failures is ASCII, so its characters are its bytes.
  expect(headerLength).toBe(line + (failures === '' ? 0 : failures.length + 1));
  return [id, attempts, crashes, fields, line, headerLength - line];
}

async function expectSame(messages: readonly string[]): Promise<void> {
  expect(await readByScripts(messages)).toEqual(messages.map(readByClient));
}

const idUnit = fc.constantFrom(...'AZaz09_.:~-');
const hostileUnit = fc.constantFrom(
  ' ',
  '\n',
  '\r',
  '\t',
  '\0',
  '#',
  '=',
  '%',
  '-',
  '\u007f',
  'é',
  '€',
  '𝄞',
  '"',
  '[',
  ']',
);
const digits = fc.oneof(
  fc.nat(9).map(String),
  fc.string({ unit: fc.constantFrom(...'0123456789'), maxLength: 8 }),
  fc.constantFrom('000001', '1000000', '-1', '1.5', '١', '0x1', '1e3'),
);
const id = fc.string({ unit: idUnit, minLength: 1, maxLength: 70 });
const fieldValue = fc.oneof(digits, fc.string({ unit: fc.constantFrom(...'!~=abc019-,.'), maxLength: 40 }));
const field = fc
  .tuple(fc.constantFrom('a', 'b', 'f', 't', 'x', 'p', 'trace', 'F', 'f1', ''), fieldValue)
  .map(([name, value]) => ` ${name}=${value}`);
const fields = fc.array(field, { maxLength: 6 }).map((all) => all.join(''));
const failures = fc.oneof(
  fc.constant(''),
  fc
    .array(fc.record({ name: fc.string({ maxLength: 10 }) }), { maxLength: 3 })
    .map((list) => `${JSON.stringify(list)}\n`),
);
const text = fc.oneof(fc.json(), fc.string({ unit: hostileUnit, maxLength: 20 }));

/** A message with a header and failures, sometimes with a length of failures that is a little wrong. */
const aMessage = fc
  .record({ id, attempts: digits, crashes: digits, fields, failures, off: fc.integer({ min: -2, max: 2 }), text })
  .map(({ off, failures: line, ...parts }) => {
    const length = line === '' ? '' : ` f=${Buffer.byteLength(line) + (Math.abs(off) === 2 ? off : 0)}`;
    return `#${parts.id} ${parts.attempts} ${parts.crashes}${parts.fields}${length}\n${line}${parts.text}`;
  });

/** A message in which some characters were replaced, added or removed. */
const aBrokenMessage = fc
  .tuple(aMessage, fc.array(fc.tuple(fc.nat(300), fc.nat(1), hostileUnit), { minLength: 1, maxLength: 3 }))
  .map(([message, changes]) =>
    changes.reduce((all, [at, removed, unit]) => {
      const characters = [...all];
      characters.splice(at % (characters.length + 1), removed, unit);
      return characters.join('');
    }, message),
  );

it('is the same in TypeScript and in Lua: random and hostile headers', async () => {
  const messages = fc.array(fc.oneof(aMessage, aBrokenMessage, text), { minLength: 20, maxLength: 20 });
  await fc.assert(fc.asyncProperty(messages, expectSame), { numRuns: 150 });
});

it.each([
  ['the longest id', `#${'x'.repeat(64)} 0 0\n1`],
  ['an id that is too long', `#${'x'.repeat(65)} 0 0\n1`],
  ['256 bytes', `#id 0 0 k=${'x'.repeat(245)}\n1`],
  ['257 bytes', `#id 0 0 k=${'x'.repeat(246)}\n1`],
  ['more digits than it may have', '#id 1000000 0\n1'],
  ['zeros before a number', '#id 007 01 a=05\n1'],
  ['no line break', '#id 0 0'],
  ['a space too many', '#id  0 0\n1'],
  ['a space before its end', '#id 0 0 \n1'],
  ['a field without a value', '#id 0 0 a=\n1'],
  ['a value with =', '#id 0 0 a=b=c\n1'],
  ['a carriage return', '#id 0 0\r\n1'],
  ['NUL', '#id 0 0 a=\0\n1'],
  ['a character that is not ASCII', '#id 0 0 a=é\n1'],
  ['two lengths of failures', '#id 1 0 f=3 f=9\n[]\n1'],
  ['failures that are too short', '#id 1 0 f=9\n[]\n1'],
  ['failures of a huge length', '#id 1 0 f=99999999999999999999999\n[]\n1'],
  ['failures of length 0', '#id 1 0 f=0\n[]\n1'],
  ['failures that are not ASCII', '#id 1 0 f=5\n["é"]\n1'],
  ['failures without a line break', '#id 1 0 f=2\n[]1'],
])('is the same in TypeScript and in Lua: %s', (_what, message) => expectSame([message]));

it('is the same for a header that Lua writes', async () => {
  const header = { id: 'id', attempts: 3, crashes: 12, fields: ' a=5 x=17' };
  const written = await redis().eval(withLibrary(`return headerLine(ARGV[1], 3, 12, ARGV[2])`), 0, 'id', header.fields);
  expect(written).toBe(headerLine(header));
});
