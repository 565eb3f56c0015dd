import { describe, expect, it } from 'vitest';
import { headerLine, open } from '../../src/wire/envelope.js';
import { headerAnd } from '../../src/wire/returning.js';
import { failureOf, readFailures, writeFailures } from '../../src/wire/failures.js';

const header = { id: 'id', attempts: 1, crashes: 0, fields: ' a=5' };
const text = '{"to":"jörg"}';
const seal = (line: string, of = header) => headerAnd(line, of) + text;

describe('the failures of a message', () => {
  it('are stored before its text, and are read unchanged, with any content', () => {
    const failures = [
      failureOf(new TypeError('größer\n"als" 🙂\u0000\u2028'), 1, 5),
      failureOf('no error', 2, 6),
      failureOf(undefined, 3, 7),
    ];
    const message = seal(writeFailures(failures));
    const opened = open(message);
    expect(opened.text).toBe(text);
    expect(readFailures(opened.failures)).toEqual(failures);
    expect(Buffer.from(message).subarray(opened.headerLength).toString()).toBe(text);
    expect(opened.header).toMatchObject({
      id: 'id',
      attempts: 1,
      fields: expect.stringMatching(/^ a=5 f=\d+$/) as string,
    });
  });

  it('replace the earlier failures and their header field', () => {
    const once = open(seal(writeFailures([failureOf(new Error('first'), 1, 1)])));
    const twice = seal(
      writeFailures([...readFailures(once.failures), failureOf(new Error('second'), 2, 2)]),
      once.header,
    );
    expect(twice.match(/ f=/g)).toHaveLength(1);
    expect(readFailures(open(twice).failures).map(({ message }) => message)).toEqual(['first', 'second']);
  });

  it('are the last ten, with shortened messages', () => {
    const many = Array.from({ length: 25 }, (_, index) => failureOf(new Error('x'.repeat(1_000)), index + 1, index));
    const kept = readFailures(writeFailures(many));
    expect(kept.map(({ attempt }) => attempt)).toEqual([16, 17, 18, 19, 20, 21, 22, 23, 24, 25]);
    expect(kept[0]!.message).toHaveLength(200);
  });

  it('are bounded in bytes, also if every character takes six', () => {
    const many = Array.from({ length: 10 }, (_, index) => failureOf(new Error('ü'.repeat(200)), index, index));
    const line = writeFailures(many);
    expect(line.length).toBeLessThan(4_096);
    expect(line).toMatch(/^[ -~]+$/);
    expect(readFailures(line).at(-1)).toEqual(many.at(-1));
  });

  it('are not stored if the header has no room for their field', () => {
    const full = { ...header, fields: ` t=${'x'.repeat(256 - headerLine({ ...header, fields: ' t=' }).length)}` };
    expect(open(headerLine(full) + text).header).toBeDefined();
    const message = seal(writeFailures([failureOf(new Error('no'), 1, 1)]), full);
    expect(open(message)).toMatchObject({ text, failures: '', header: { id: 'id' } });
  });

  it.each([
    ['longer than the message', '#id 1 0 f=99\n[]\n"text"'],
    ['that ends within a line', '#id 1 0 f=2\n[]\n"text"'],
    ['of nothing', '#id 1 0 f=0\n[]\n"text"'],
    ['without a list', '#id 1 0 f=3\n{}\n"text"'],
    ['beyond ASCII', '#id 1 0 f=4\n["ü"]\n"text"'],
    ['with another meaning', '#id 1 0 f=00-ab\n[]\n"text"'],
  ])('are empty with a field f %s: all of the message is text', (_what, message) => {
    const { text: found, failures, headerLength } = open(message);
    expect(failures).toBe('');
    expect(found).toBe(message.slice(message.indexOf('\n') + 1));
    expect(headerLength).toBe(message.indexOf('\n') + 1);
  });

  it('in another format are ignored', () => {
    expect(readFailures('[not json')).toEqual([]);
    expect(readFailures('7')).toEqual([]);
  });
});
