/**
 * Texts as one msgpack array (https://github.com/msgpack/msgpack/blob/master/spec.md), which a script reads with
 * `cmsgpack.unpack`: a thousand arguments would cost the client and Redis more than the messages themselves.
 *
 * Our own encoder, because it is in the hot path: it makes one text of everything and copies it once.
 */
export function pack(texts: readonly string[]): Buffer {
  let highBytes = lengthHighBytes(texts.length, arrayHead);
  const parts: string[] = [arrayHead(texts.length)];
  for (const text of texts) {
    parts.push(textHead(text.length), text);
    highBytes += lengthHighBytes(text.length, textHead);
  }
  const all = parts.join('');
  // Heads are characters below 0x100, of one byte each. If no text has a character above 0x7f, all of it is such characters.
  return Buffer.byteLength(all) - all.length === highBytes ? Buffer.from(all, 'latin1') : packUtf8(texts);
}

/** {@link pack} for texts that are not ASCII. */
function packUtf8(texts: readonly string[]): Buffer {
  const parts: Buffer[] = [Buffer.from(arrayHead(texts.length), 'latin1')];
  for (const text of texts) {
    const bytes = Buffer.from(text);
    parts.push(Buffer.from(textHead(bytes.length), 'latin1'), bytes);
  }
  return Buffer.concat(parts);
}

type Head = (length: number) => string;

const arrayHead: Head = (length) => {
  if (length < 16) return String.fromCharCode(0x90 | length);
  return length < 0x1_0000 ? String.fromCharCode(0xdc, length >> 8, length & 0xff) : String.fromCharCode(0xdd, ...fourBytes(length));
};

const textHeads: string[] = [];

/** Kept for the lengths that messages mostly have. */
const textHead: Head = (length) => {
  if (length >= keptHeads) return makeTextHead(length);
  return (textHeads[length] ??= makeTextHead(length));
};
const keptHeads = 4_096;

function makeTextHead(length: number): string {
  if (length < 32) return String.fromCharCode(0xa0 | length);
  if (length < 0x100) return String.fromCharCode(0xd9, length);
  if (length < 0x1_0000) return String.fromCharCode(0xda, length >> 8, length & 0xff);
  return String.fromCharCode(0xdb, ...fourBytes(length));
}

function fourBytes(length: number): number[] {
  return [length >>> 24, (length >> 16) & 0xff, (length >> 8) & 0xff, length & 0xff];
}

const highBytes: number[] = [];

/** How many bytes of a head are 0x80 or more. */
function lengthHighBytes(length: number, head: Head): number {
  if (head === textHead && length < keptHeads) return (highBytes[length] ??= countHigh(head(length)));
  return countHigh(head(length));
}

function countHigh(head: string): number {
  let high = 0;
  for (let at = 0; at < head.length; at++) if (head.charCodeAt(at) >= 0x80) high += 1;
  return high;
}
