/** A client writes the record of a dead letter, and so does recovery after too many crashes. Both have one form. */
import { expect, it } from 'vitest';
import { withLibrary } from '../../src/redis/scripts.js';
import { readDeadLetterRecord, writeDeadLetterRecord } from '../../src/wire/dead-letter-record.js';
import { redis } from '../support/queue.js';

it('has the same form if a script writes it', async () => {
  const lua = withLibrary('return crashRecord(ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4])');
  const written = await redis().eval(lua, 0, 'h', 3, 2, 'worker');
  const reason = 'its worker died 3 times';
  expect(written).toBe(writeDeadLetterRecord({ reason }, { attempt: 2, worker: 'worker', lane: 'h' }));
  expect(readDeadLetterRecord(written as string)).toMatchObject({ reason, attempts: 2 });
});

it.each(['', 'no JSON', 'null', '7', '"text"'])(
  'that another program wrote (%j) does not hide the dead letter',
  (line) => {
    expect(readDeadLetterRecord(line)).toEqual({ reason: 'unknown: its record cannot be read', attempts: 0 });
  },
);

it.each([
  [
    { reason: 7, attempts: '3', error: 'text' },
    { reason: 'unknown: its record cannot be read', attempts: 0 },
  ],
  [
    { reason: 'r', attempts: -1 },
    { reason: 'r', attempts: 0 },
  ],
  [
    { reason: ['r'], attempts: 2, error: { stack: 7 } },
    { reason: 'unknown: its record cannot be read', attempts: 2, error: { name: 'Error', message: '' } },
  ],
])('of another form (%j) is read as %j', (record, expected) => {
  expect(readDeadLetterRecord(JSON.stringify(record))).toEqual(expected);
});
