import { Take } from '../../src/redis/take.js';

/** A msgpack array of texts, byte for byte as Redis' `cmsgpack.pack` writes it; texts need not be UTF-8. */
export function packed(texts: readonly (string | Uint8Array)[]): Buffer {
  const bodies = texts.map((text) => Buffer.from(text as string));
  return Buffer.concat([arrayHead(bodies.length), ...bodies.flatMap((body) => [textHead(body.length), body])]);
}

/** A take as Redis answers it: each message from the lane of its letter. */
export function aTake(number: number, lanes: string, messages: readonly (string | Uint8Array)[], acked = '', effects = ''): Take {
  return new Take(number, packed([lanes, ...messages]), acked, effects);
}

function arrayHead(length: number): Buffer {
  if (length < 16) return Buffer.from([0x90 | length]);
  if (length < 65_536) return numbered(0xdc, 2, length);
  return numbered(0xdd, 4, length);
}

function textHead(bytes: number): Buffer {
  if (bytes < 32) return Buffer.from([0xa0 | bytes]);
  if (bytes < 256) return numbered(0xd9, 1, bytes);
  if (bytes < 65_536) return numbered(0xda, 2, bytes);
  return numbered(0xdb, 4, bytes);
}

function numbered(kind: number, width: number, value: number): Buffer {
  const head = Buffer.alloc(1 + width, kind);
  head.writeUIntBE(value, 1, width);
  return head;
}
