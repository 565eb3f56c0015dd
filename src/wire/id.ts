import { randomBytes } from 'node:crypto';

/** Each 16-bit number as four hex digits. */
const hex = Array.from({ length: 0x1_0000 }, (_, number) => number.toString(16).padStart(4, '0'));
const counterBits = 26;

// Parts that many ids have in common, kept so that a new id is mostly a concatenation.
let front = '';
let frontMs = -1;
let frontHigh = -1;
let counter = randomBytes(4).readUInt32BE() >>> (32 - counterBits + 1); // starts in the lower half: it cannot wrap within one ms
// Made on first use: processes that were forked, or restored from one snapshot, would otherwise share it and make equal ids.
let back: string | undefined;

/**
 * A new id: UUID version 7 with a counter (RFC 9562, section 6.2, method 1). It is unique without a call to Redis. Ids sort
 * by the time at which they were made, also within one ms.
 *
 * Our own code, because the `uuid` library took 4.4 µs here, more than all the rest of a put. This takes 0.1 µs.
 *
 * @param now Unix ms, if the caller has it already
 */
export function newId(now = Date.now()): string {
  counter = (counter + 1) % 2 ** counterBits;
  const high = counter >>> 14;
  if (now !== frontMs || high !== frontHigh) {
    frontMs = now;
    frontHigh = high;
    const digits = now.toString(16).padStart(12, '0');
    front = `${digits.slice(0, 8)}-${digits.slice(8)}-7${hex[high]!.slice(1)}-`;
  }
  back ??= `-${randomBytes(6).toString('hex')}`;
  // `front` ends with the upper 12 bits of the counter. Then: the variant (binary 10) and 14 bits of the counter, and 48
  // random bits of this process.
  return front + hex[0x8000 | (counter & 0x3fff)]! + back;
}

/**
 * Unix ms at which {@link newId} made the id that begins at `start` of a text; `undefined` for an id of another form. It makes no text of the id.
 */
export function madeAt(text: string, start = 0): number | undefined {
  if (text[start + 8] !== '-' || text[start + 13] !== '-' || text[start + 14] !== '7') return undefined;
  let ms = 0;
  for (let at = start; at < start + 13; at++) {
    if (at === start + 8) continue;
    const code = text.charCodeAt(at);
    const digit = code < 58 ? code - 48 : code - 87; // 0 to 9, a to f
    if (digit < 0 || digit > 15) return undefined;
    ms = ms * 16 + digit;
  }
  return ms;
}
