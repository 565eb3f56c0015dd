import { randomBytes } from 'node:crypto';

/** Four hex digits of every 16-bit number. */
const hex = Array.from({ length: 0x1_0000 }, (_, number) => number.toString(16).padStart(4, '0'));
const counterBits = 26;

// What many ids have in common, made once: they are mostly put together of few pieces.
let front = '';
let frontMs = -1;
let frontHigh = -1;
let counter = randomBytes(4).readUInt32BE() >>> (32 - counterBits + 1); // in the lower half: nothing wraps within one ms
// Made on first use: a process that was forked or restored from a snapshot must not share it.
let back: string | undefined;

/**
 * A new id: UUID version 7 with a counter (RFC 9562, section 6.2, method 1). Unique without asking Redis, and sorted by
 * the time at which it was made, also within one ms.
 *
 * @param now Unix ms, where the caller has it at hand
 *
 * Our own, because the library's took 4.4 µs here, more than all the rest of a put; this takes 0.1.
 */
export function newId(now = Date.now()): string {
  counter = (counter + 1) % 2 ** counterBits;
  const high = counter >>> 14;
  if (now !== frontMs || high !== frontHigh) begin(now, high);
  back ??= `-${randomBytes(6).toString('hex')}`;
  // 12 bits of the counter, the variant (10 in binary) with 14 more, and 48 bits of this process's own.
  return front + hex[0x8000 | (counter & 0x3fff)]! + back;
}

function begin(ms: number, high: number): void {
  frontMs = ms;
  frontHigh = high;
  const digits = ms.toString(16).padStart(12, '0');
  front = `${digits.slice(0, 8)}-${digits.slice(8)}-7${hex[high]!.slice(1)}-`;
}

const version7 = /^([0-9a-f]{8})-([0-9a-f]{4})-7/;

/** Unix ms at which an id of {@link newId} was made; `undefined` for ids from elsewhere. */
export function madeAt(id: string): number | undefined {
  const parts = version7.exec(id);
  return parts ? parseInt(`${parts[1]}${parts[2]}`, 16) : undefined;
}
