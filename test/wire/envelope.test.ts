/** JavaScript and Lua both read the header of a message. Both must read the same, for any bytes. */
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { headerLine, open, optionsOf } from '../../src/wire/envelope.js';
import { aBroker, redis } from '../support/queue.js';

const at = { withinMs: 5_000 };

const anId = fc.stringMatching(/^[A-Za-z0-9_.:~-]{1,64}$/);
const aNumber = fc.oneof(fc.nat(999_999).map(String), fc.constantFrom('0', '00', '1000000', '-1', '1.5', '0x1', ''));
const aField = fc.oneof(
  fc.stringMatching(/^ [a-z]{1,3}=[^ \n]{1,20}$/),
  fc.constantFrom(' a=1', ' b=5', ' a=', ' A=1', ' x=é', '  a=1', ' a=1 ', ' ab', ' a=\u{1f600}', ' a=1\r'),
);
const aLine = fc
  .tuple(fc.oneof(anId, fc.string()), aNumber, aNumber, fc.array(aField, { maxLength: 3 }))
  .map(([id, attempts, crashes, fields]) => `#${id} ${attempts} ${crashes}${fields.join('')}\n`);
const aText = fc.oneof(fc.json(), fc.string({ unit: 'binary' }));
const aMessage = fc.oneof(
  fc.tuple(aLine, aText).map(([line, text]) => Buffer.from(line + text)),
  aText.map((text) => Buffer.from(text)),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  fc.tuple(aLine, fc.uint8Array({ maxLength: 300 }), fc.nat(40)).map(([line, bytes, flip]) => {
    const whole = Buffer.concat([Buffer.from(line), bytes]);
    whole[flip % whole.length]! ^= 1 << (flip % 8);
    return whole;
  }),
);

it.each([
  ['', {}],
  [' j=1', { tracked: 1 }],
  [' a=3 b=5000 t=9 x=7 p=8 j=1 s=1 c=1 d=6', { attempts: 3, backoffMs: 5_000, timeoutMs: 9, expiresAt: 7, putAt: 8 }],
  [' d=6 s=1 c=1', { readyAt: 6, scheduled: 1, continued: 1 }],
  [' b=1,2,3', { backoffMs: undefined, backoffsMs: [1, 2, 3] }],
  [' a=3 a=5 b=1,2 b=3,4', { attempts: 3, backoffsMs: [1, 2] }], // the first of two counts
  [
    ' a=1,2 b=1, t=-1 x=+5 p=1.5 d=0x1 aa=5 w=a=7',
    { attempts: undefined, backoffsMs: undefined, timeoutMs: undefined },
  ],
  [' j=1 d=6', { tracked: 1, readyAt: 6, child: undefined }],
  [' j=1 n=b', { tracked: 1, readyAt: undefined, child: 'b' }],
  [' j=1 d=6 n=b', { tracked: 1, readyAt: 6, child: 'b' }],
  [' j=1 n=b d=6', { tracked: 1, readyAt: 6, child: 'b' }],
  [' j=12 n=b', { tracked: 12, child: 'b' }],
  [' j=1 d=6 n=b-1.c n=d', { tracked: 1, readyAt: 6, child: 'b-1.c' }],
  [' n=a,b nn=c', { child: undefined }],
  [' a=3 n=42', { attempts: 3, child: '42' }],
  [' j=1 n=42', { tracked: 1, child: '42' }],
  [' x=+5 p=1.5 d=0x1', { expiresAt: undefined, putAt: undefined, readyAt: undefined }],
])('the options in the fields %j', (fields, expected) => {
  expect(optionsOf({ id: 'a', attempts: 0, crashes: 0, fields })).toMatchObject(expected);
});

describe('open', () => {
  it('never throws, and its parts make the same message again', () => {
    fc.assert(
      fc.property(aMessage, (bytes) => {
        const message = bytes.toString('utf8');
        const { header, headerLength, text } = open(message);
        expect(message.slice(headerLength)).toBe(text);
        if (header) expect(open(headerLine(header) + text)).toMatchObject({ header, text });
        else expect(text).toBe(message);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('the recovery script', () => {
  it('reads the same header as JavaScript, counts a crash in it, and changes no byte of the payload', async () => {
    await fc.assert(
      fc.asyncProperty(
        aMessage.filter((bytes) => bytes.length > 0),
        async (bytes) => {
          const broker = aBroker();
          await redis().rpush(broker.keys.base, bytes);
          const worker = randomUUID();
          await broker.join(worker, 'a-process', at);
          await broker.take(worker, 1, 1, at);
          await redis().hset(broker.keys.meta, 'seen', Date.now());
          await redis().zadd(broker.keys.workers, 'XX', '1', worker);
          await broker.recover(worker, 'hotqueue', at);
          const before = open(bytes.toString('utf8'));
          const found =
            (await redis().lrangeBuffer(broker.keys.base, 0, -1))[0] ??
            (await redis().lrangeBuffer(broker.keys.quarantine, 0, -1))[0] ??
            (await redis().hvalsBuffer(broker.keys.deadMessages))[0]!;
          const keys = Object.values(broker.keys).filter(
            (key): key is string => typeof key === 'string' && key.includes(broker.keys.base),
          );
          await redis().del(keys);
          if (found.indexOf('{"') === 0 && found.includes('its worker died')) return; // buried at once: its header counted enough crashes before
          const after = open(found.toString('utf8'));
          expect(after.header).toMatchObject({
            id: before.header?.id ?? `${worker}.b1.1`,
            attempts: before.header?.attempts ?? 0,
            crashes: (before.header?.crashes ?? 0) + 1,
          });
          expect(after.text).toBe(before.text);
          const length = (text: string, characters: number): number => Buffer.byteLength(text.slice(0, characters));
          if (bytes.equals(Buffer.from(bytes.toString('utf8')))) {
            const tail = bytes.subarray(length(bytes.toString('utf8'), before.headerLength));
            expect(found.subarray(found.length - tail.length).equals(tail)).toBe(true);
          }
        },
      ),
      { numRuns: 300 },
    );
  }, 120_000);
});
