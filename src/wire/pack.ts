/**
 * Encodes texts as one msgpack array (https://github.com/msgpack/msgpack/blob/master/spec.md). A script reads it with
 * `cmsgpack.unpack`. A thousand separate arguments would cost the client and Redis more than the messages themselves.
 *
 * This is our own encoder because it is in the hot path. It joins everything into one text and encodes that once.
 */
export function pack(texts: readonly string[]): Buffer {
  const start = arrayHead(texts.length);
  const parts = [start];
  let highBytes = highBytesIn(start);
  for (const { length } of texts) highBytes += highBytesOf(length);
  for (const text of texts) parts.push(textHead(text.length), text);
  const all = parts.join('');
  // In UTF-8, a character from 0x80 to 0xff takes two bytes. If only the length prefixes have such characters, Latin-1 encodes
  // each of them as one byte, and this is the fast way.
  return Buffer.byteLength(all) - all.length === highBytes ? Buffer.from(all, 'latin1') : packUtf8(texts);
}

/** {@link pack} for texts that are not all ASCII, or that are bytes already. */
export function packUtf8(texts: readonly (string | Uint8Array)[]): Buffer {
  const parts: Uint8Array[] = [Buffer.from(arrayHead(texts.length), 'latin1')];
  for (const text of texts) {
    const bytes = typeof text === 'string' ? Buffer.from(text) : text;
    parts.push(Buffer.from(textHead(bytes.length), 'latin1'), bytes);
  }
  return Buffer.concat(parts);
}

/** The msgpack header of the array, as one character for each byte. */
function arrayHead(count: number): string {
  if (count < 0x10) return String.fromCharCode(0x90 | count);
  return count < 0x1_0000
    ? String.fromCharCode(0xdc, count >> 8, count & 0xff)
    : String.fromCharCode(0xdd, ...fourBytes(count));
}

/** Headers of short texts, and how many of their bytes are 0x80 or more. Each is computed once. */
const heads: string[] = [];
const highs: number[] = [];
const mostKept = 4_096;

/** The msgpack header of a text with `length` bytes, as one character for each byte. */
function textHead(length: number): string {
  return length < mostKept ? (heads[length] ??= makeTextHead(length)) : makeTextHead(length);
}

function highBytesOf(length: number): number {
  return length < mostKept ? (highs[length] ??= highBytesIn(textHead(length))) : highBytesIn(textHead(length));
}

function makeTextHead(length: number): string {
  if (length < 0x20) return String.fromCharCode(0xa0 | length);
  if (length < 0x100) return String.fromCharCode(0xd9, length);
  if (length < 0x1_0000) return String.fromCharCode(0xda, length >> 8, length & 0xff);
  return String.fromCharCode(0xdb, ...fourBytes(length));
}

function fourBytes(length: number): number[] {
  return [length >>> 24, (length >> 16) & 0xff, (length >> 8) & 0xff, length & 0xff];
}

function highBytesIn(head: string): number {
  let high = 0;
  for (let at = 0; at < head.length; at++) if (head.charCodeAt(at) >= 0x80) high += 1;
  return high;
}
