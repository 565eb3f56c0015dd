import { decode } from '@msgpack/msgpack';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pack } from '../../src/wire/pack.js';
import { aBroker, redis } from '../support/queue.js';

const ofLength = (bytes: number): string => 'x'.repeat(bytes);
/** Texts are always well-formed: JSON escapes half a surrogate pair. */
const aText = fc.string({ unit: 'grapheme', maxLength: 300 });

describe('pack', () => {
  it.each([0, 1, 31, 32, 127, 128, 255, 256, 4_095, 4_096, 65_535, 65_536])(
    'writes a text of %i bytes that another msgpack library can read',
    (bytes) => {
      expect(decode(pack([ofLength(bytes), 'end']))).toEqual([ofLength(bytes), 'end']);
    },
  );

  it.each([0, 1, 15, 16, 127, 128, 255, 256, 1_000, 65_535, 65_536])('writes %i texts', (count) => {
    const texts = Array.from({ length: count }, (_, index) => String(index));
    expect(decode(pack(texts))).toEqual(texts);
  });

  it.each([
    ['a character of two bytes among ASCII', ['plain', 'é']],
    ['characters with the bytes of msgpack headers', ['\u00a5', '\u00d9', '\u00dc']],
    ['three and four bytes', ['€', '𝄞', '']],
    ['NUL and control characters', ['\0', '\n\r\t']],
  ])('keeps texts that are not ASCII: %s', (_what, texts) => {
    expect(decode(pack(texts))).toEqual(texts);
  });

  it('writes any texts so that another msgpack library reads the same', () => {
    const property = fc.property(fc.array(aText, { maxLength: 40 }), (texts) => {
      expect(decode(pack(texts))).toEqual(texts);
    });
    fc.assert(property);
  });

  it('writes texts that Redis reads unchanged', async () => {
    const texts = ['#id 0 0\n{"a":1}', 'é€𝄞', '', ofLength(70_000)];
    const broker = aBroker();
    await broker.put({ producer: 'producer', number: 1, messages: texts }, { withinMs: 5_000 });
    expect(await redis().lrange(broker.keys.base, 0, -1)).toEqual(texts);
  });
});
