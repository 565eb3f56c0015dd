/** A header line of more than 256 bytes would be read as a part of the payload. So every option must fit beside all others. */
import { expect, it } from 'vitest';
import { putOptions, type PutOptions } from '../../src/core/options/put.js';
import { fieldsOf, headerLine, open, withChild } from '../../src/wire/envelope.js';
import { withFailure, withTimesLeft } from '../../src/wire/returning.js';

/** The longest values. The compiler asks for each new option here. */
const longest: Required<Omit<PutOptions, 'at' | 'after' | 'onFailure'>> = {
  attempts: 1_000_000,
  backoff: ['36500d', '36500d', '36500d', '36500d', '36500d'],
  timeout: '36500d',
  ttl: '36500d',
  delay: '36500d',
  priority: 'normal',
  id: 'x'.repeat(64),
  uniqueFor: '36500d',
  track: true,
  unique: 'x'.repeat(256),
  until: 'done',
  replace: true,
};
const century = 36_500 * 86_400_000;
const most = 999_999;

/** A message as `put` stores it, with each option and each field that Redis or a worker adds. */
function sealed(): Buffer {
  const options = putOptions('q', 'hotqueue', longest);
  const expiresAt = Date.now() + 2 * century;
  const fields = fieldsOf({
    ...options,
    tracked: 1,
    scheduled: 1,
    continued: 1,
    expiresAt,
    putAt: Date.now(),
    readyAt: expiresAt,
  });
  return Buffer.from(`${headerLine({ id: longest.id, attempts: most, crashes: most, fields })}"x"`);
}

it('the longest header of a put has a place for all options', () => {
  const options = putOptions('q', 'hotqueue', longest);
  const { ttlMs } = options;
  const fields = fieldsOf({ ...options, tracked: 1, putAt: Date.now() }, ttlMs);
  const line = headerLine({ id: longest.id, attempts: 0, crashes: 0, fields });
  expect(open(`${line}"x"`)).toMatchObject({ text: '"x"', header: { id: longest.id, fields } });
});

it('and for what retries and loops add: failures, times left', () => {
  let message = sealed();
  const error = new Error('x'.repeat(10_000));
  for (let attempt = 1; attempt <= 12; attempt++) {
    message = withFailure(message, open(message.toString()), { id: longest.id, attempt: most }, error);
    message = withTimesLeft(message, open(message.toString()), longest.id);
    const { header, failures, text } = open(message.toString());
    expect(text).toBe('"x"');
    expect(failures).not.toBe('');
    expect(header?.fields).toMatch(/ a=1000000 .* l=1\b/);
  }
});

it.each(['k', 'k'.repeat(30), 'k'.repeat(64)])('also where the header names the job that waits for it: %s', (child) => {
  const id = 'i'.repeat(36);
  for (let length = 1; length <= 200; length++) {
    const fields = ` j=1 d=${Date.now()} w=${'t'.repeat(length)}`;
    const named = withChild(`${headerLine({ id, attempts: 0, crashes: 0, fields })}"x"`, child);
    if (named === undefined) {
      expect(length + child.length).toBeGreaterThan(90);
      continue;
    }
    const failed = withFailure(Buffer.from(named), open(named), { id, attempt: most }, new Error('no'), Date.now());
    const { header, failures } = open(withTimesLeft(failed, open(failed.toString()), id).toString());
    expect(failures).not.toBe('');
    expect(header?.fields).toMatch(new RegExp(` n=${child} .* l=1\\b`));
  }
});
