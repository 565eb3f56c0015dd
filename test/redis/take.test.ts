import { decode, encode } from '@msgpack/msgpack';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { freshLength, open } from '../../src/wire/envelope.js';
import { Take } from '../../src/redis/take.js';
import { aTake, packed } from '../support/takes.js';

/** The texts of a msgpack array as another library reads them. They are bytes, because a text may be invalid UTF-8. */
const textsOf = (bytes: Buffer): Buffer[] =>
  (decode(bytes, { rawStrings: true }) as Uint8Array[]).map((text) => Buffer.from(text));

/** Compares a take with what the other library reads from the same bytes. */
function expectSame(bytes: Buffer): void {
  const [lanes, ...messages] = textsOf(bytes);
  const take = new Take('worker', 1, bytes);
  expect(take.size).toBe(messages.length);
  expect(take.lanes).toBe(lanes!.toString('latin1'));
  for (const [place, message] of messages.entries()) {
    const index = place + 1;
    if (!take.message(index).equals(message))
      expect.fail(`message ${index}: got ${take.message(index).toString('hex')}, expected ${message.toString('hex')}`);
    if (take.text(index) !== message.toString())
      expect.fail(
        `text ${index}: got ${JSON.stringify(take.text(index))}, expected ${JSON.stringify(message.toString())}`,
      );
    const from = Math.min(7, message.length);
    if (take.text(index, from) !== message.toString('utf8', from))
      expect.fail(`text ${index} differs from byte ${from}`);
  }
}

/** For each kind of content: a function that makes a given number of bytes. */
const contents: Record<string, (bytes: number) => Buffer> = {
  ASCII: (bytes) => Buffer.alloc(bytes, '{"n":1} '),
  'two-byte characters': (bytes) =>
    Buffer.concat([Buffer.alloc(bytes % 2, 'x'), Buffer.alloc(bytes - (bytes % 2), 'é')]),
  'surrogate pairs': (bytes) => Buffer.concat([Buffer.alloc(bytes % 4, 'x'), Buffer.alloc(bytes - (bytes % 4), '𝄞')]),
  'one character that is not ASCII, at the end': (bytes) =>
    Buffer.concat([Buffer.alloc(Math.max(0, bytes - 2), 'x'), Buffer.from('é')]).subarray(0, bytes),
  'invalid UTF-8': (bytes) => Buffer.alloc(bytes, Buffer.from([0xff, 0xc3, 0x28, 0xed, 0xa0, 0x80, 0xfe])),
  'NUL bytes': (bytes) => Buffer.alloc(bytes),
  'msgpack headers': (bytes) => Buffer.alloc(bytes, Buffer.from([0xdd, 0xdc, 0xdb, 0xda, 0xd9, 0xbf, 0xa0, 0x9f])),
  'a byte order mark': (bytes) => Buffer.concat([Buffer.from('\ufeff'), Buffer.alloc(bytes, 'x')]).subarray(0, bytes),
};

describe('a take reads the packed messages', () => {
  // At these lengths, msgpack changes the header of a text.
  const lengths = [0, 1, 15, 16, 31, 32, 255, 256, 65_535, 65_536];

  describe.each(Object.entries(contents))('%s', (_content, fill) => {
    it.each(lengths)('in texts of %i bytes', (bytes) => {
      expectSame(packed(['bbb', fill(bytes), 'between', fill(bytes)]));
    });
  });

  // With the lanes, these are arrays of 2, 15, 16, 65,535 and 65,536 texts: msgpack has three array headers for them.
  it.each([1, 14, 15, 1_000, 65_534, 65_535])('%i messages', (count) => {
    expectSame(packed(['b'.repeat(count), ...Array.from({ length: count }, (_, index) => `${index}`)]));
  });

  it('any messages with any bytes', () => {
    const text = fc.oneof(
      fc.string({ unit: 'grapheme-ascii', maxLength: 300 }).map((chars) => Buffer.from(chars)),
      fc.string({ unit: 'binary', maxLength: 300 }).map((chars) => Buffer.from(chars)),
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    );
    const take = fc
      .array(text, { minLength: 1, maxLength: 40 })
      .map((messages) => packed(['b'.repeat(messages.length), ...messages]));
    fc.assert(fc.property(take, expectSame), { numRuns: 500 });
  });

  it('the lane of each message', () => {
    const take = aTake(3, 'sabhl', ['1', '2', '3', '4', '5']);
    expect([1, 2, 3, 4, 5].map((index) => take.lane(index))).toEqual(['s', 'a', 'b', 'h', 'l']);
    expect(take.hasQuarantined).toBe(true);
    expect(aTake(3, 'bs', ['1', '2']).hasQuarantined).toBe(false); // a quarantined message is always the first of a take
  });
});

it('packed() of these tests writes the same bytes as another library', () => {
  const text = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 400 }),
    fc.constantFrom(31, 32, 255, 256, 65_535, 65_536).map((length) => 'x'.repeat(length)),
  );
  fc.assert(
    fc.property(fc.array(text, { maxLength: 20 }), (texts) => {
      expect(packed(texts).equals(Buffer.from(encode(texts)))).toBe(true);
    }),
  );
});

describe('a fresh header', () => {
  const id = '01a1fcba-a310-7487-bda0-7ae49bb84c10';

  it.each<[string, boolean]>([
    [`#${id} 0 0\n{"n":1}`, true],
    [`#${id} 0 0\n`, true],
    [`#${'A_.:~-z9'.repeat(4)}0123 0 0\nx`, true],
    [`#${id} 0 0`, false],
    [`#${id} 1 0\nx`, false],
    [`#${id} 0 1\nx`, false],
    [`#${id} 00 0\nx`, false],
    [`#${id} 0 0 a=5\nx`, false],
    [`#${id.slice(1)} 0 0\nx`, false],
    [`#${id}0 0 0\nx`, false],
    [`#${id.slice(1)}  0 0\nx`, false],
    [`#${id.slice(1)}é 0 0\nx`, false],
    [`#${id.slice(1)}\n 0 0\nx`, false],
    [`#${id.slice(1)}\0 0 0\nx`, false],
    [` ${id} 0 0\nx`, false],
    ['{"n":1}', false],
    ['', false],
  ])('%j: %s', (message, isFresh) => {
    expect(aTake(1, 'bb', ['before', message]).isFresh(2)).toBe(isFresh);
  });

  it('does not read beyond its message', () => {
    expect(aTake(1, 'bb', [`#${id} 0`, ' 0\nx']).isFresh(1)).toBe(false);
    expect(aTake(1, 'bb', ['x', `#${id} 0 0`]).isFresh(2)).toBe(false);
  });

  // Text that resembles a header: with a changed byte, an extra field, or cut off at any point.
  const idChar = fc.constantFrom(...'ABCXYZabcxyz019_.:~-');
  const header = fc
    .record({
      mark: fc.oneof(
        { weight: 9, arbitrary: fc.constant('#') },
        { weight: 1, arbitrary: fc.constantFrom('', '##', ' #', '\ufeff#') },
      ),
      id: fc.oneof(
        { weight: 8, arbitrary: fc.string({ unit: idChar, minLength: 36, maxLength: 36 }) },
        { weight: 2, arbitrary: fc.string({ unit: idChar, minLength: 30, maxLength: 66 }) },
      ),
      attempts: fc.oneof(
        { weight: 8, arbitrary: fc.constant('0') },
        { weight: 2, arbitrary: fc.constantFrom('1', '00', '-0', '', '999999', '0x0') },
      ),
      crashes: fc.oneof(
        { weight: 8, arbitrary: fc.constant('0') },
        { weight: 2, arbitrary: fc.constantFrom('2', '00', '+0', '', '0.0') },
      ),
      fields: fc.oneof(
        { weight: 8, arbitrary: fc.constant('') },
        { weight: 2, arbitrary: fc.constantFrom(' a=5', ' x=1 f=2', ' ', '\r', ' f=3') },
      ),
    })
    .map(({ mark, id: one, attempts, crashes, fields }) =>
      Buffer.from(`${mark}${one} ${attempts} ${crashes}${fields}\n`),
    );
  const text = fc
    .oneof(fc.constantFrom('', '[]\n"x"', '#', '\n'), fc.json(), fc.string({ unit: 'binary', maxLength: 40 }))
    .map((chars) => Buffer.from(chars));
  const hostile = fc
    .record({
      header,
      text,
      rest: fc.uint8Array({ maxLength: 20 }),
      change: fc.option(fc.tuple(fc.nat(80), fc.nat(255)), { freq: 3 }),
      cut: fc.option(fc.nat(80), { freq: 4 }),
    })
    .map((made) => {
      const message = Buffer.concat([made.header, made.text, made.rest]);
      if (made.change && made.change[0] < message.length) message[made.change[0]] = made.change[1];
      return made.cut === null ? message : message.subarray(0, made.cut);
    });

  it('is recognized exactly if open() reads no attempts, no crashes and no fields, and the text is the same', () => {
    let fresh = 0;
    fc.assert(
      fc.property(fc.array(hostile, { minLength: 1, maxLength: 4 }), (messages) => {
        const take = aTake(1, 'b'.repeat(messages.length), messages);
        for (const [place, message] of messages.entries()) {
          const index = place + 1;
          const { header: read, headerLength, failures, text: rest } = open(message.toString());
          const isFresh =
            read?.id.length === 36 &&
            read.attempts === 0 &&
            read.crashes === 0 &&
            read.fields === '' &&
            headerLength === freshLength;
          expect(take.isFresh(index)).toBe(isFresh);
          if (!isFresh) continue;
          fresh += 1;
          expect(read.id).toBe(message.toString('latin1', 1, 37));
          expect(failures).toBe('');
          expect(take.text(index, freshLength)).toBe(rest);
        }
      }),
      { numRuns: 3_000 },
    );
    expect(fresh, 'number of fresh messages among the samples').toBeGreaterThan(500);
  });
});

describe('settled messages', () => {
  const sized = (size: number, acked = '', effects = ''): Take =>
    aTake(
      7,
      'b'.repeat(size),
      Array.from({ length: size }, (_, index) => `${index}`),
      acked,
      effects,
    );

  it.each<[number, number[], number[], string[]]>([
    [5, [], [], ['7', '0', '5', '']],
    [5, [1], [], ['7', '1', '5', '1']],
    [5, [5, 3, 1], [], ['7', '3', '5', '1,3,5']],
    [6, [2, 1, 3, 5], [], ['7', '4', '6', '1-3,5']],
    [6, [1, 1, 1], [], ['7', '1', '6', '1']],
    [6, [1, 2], [4, 6], ['7', '2', '6', '1-2']],
    [6, [1, 2, 6], [3], ['7', '3', '6', '1-2,6']],
    [3, [], [1, 2], ['7', '0', '3', '']],
  ])('of %i: %j acknowledged, %j retried, buried or released: %j', (size, acked, effects, told) => {
    const take = sized(size);
    for (const index of acked) take.ack(index);
    for (const index of effects) take.confirm(index);
    expect(take.isOver).toBe(false);
    expect(take.acknowledgements).toEqual(told);
    expect(take.settlement).toEqual(told);
  });

  it.each<[number, number[], number[], string[], string[]]>([
    [1, [1], [], ['7', 'over', ''], ['7', '1', '1', '1']],
    [3, [1, 2, 3], [], ['7', 'over', ''], ['7', '3', '3', '1-3']],
    [4, [2, 4], [3, 1], ['7', 'over', '1,3'], ['7', '2', '4', '2,4']],
    [3, [], [1, 2, 3], ['7', 'over', '1,2,3'], ['7', '0', '3', '']],
  ])(
    'all %i: %j acknowledged, %j retried, buried or released: %j',
    (size, acked, effects, settlement, acknowledgements) => {
      const take = sized(size);
      for (const index of acked) take.ack(index);
      for (const index of effects) take.confirm(index);
      expect(take.isOver).toBe(true);
      expect(take.settlement).toEqual(settlement);
      expect(take.acknowledgements).toEqual(acknowledgements);
    },
  );

  it('keep their first settlement', () => {
    const take = sized(2);
    take.ack(1);
    take.confirm(1);
    take.confirm(2);
    take.ack(2);
    expect(take.settlement).toEqual(['7', 'over', '2']);
  });

  it('can be read back from the report to Redis, for any order of settlements', () => {
    const events = fc.array(
      fc.record({
        index: fc.integer({ min: 1, max: 30 }),
        verb: fc.constantFrom<'ack' | 'confirm'>('ack', 'ack', 'confirm'),
      }),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(events, (said) => {
        const take = sized(30);
        const first = new Map<number, string>();
        for (const { index, verb } of said) {
          take[verb](index);
          if (!first.has(index)) first.set(index, verb);
        }
        const effects = [...first].filter(([, verb]) => verb === 'confirm').map(([index]) => index);
        const [, count, size, acked] = take.acknowledgements as [string, string, string, string];
        expect([Number(count), Number(size)]).toEqual([first.size - effects.length, 30]);
        const again = sized(30, acked, effects.join(','));
        for (let index = 1; index <= 30; index++)
          expect([take.isSettled(index), again.isSettled(index)]).toEqual([first.has(index), first.has(index)]);
        expect(again.acknowledgements).toEqual(take.acknowledgements);
        expect([again.isOver, again.settlement]).toEqual([take.isOver, take.settlement]);
      }),
    );
  });
});
