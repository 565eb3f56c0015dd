/** Counts words and cuts files into pieces. This file does not use queues. */
import { open, readFile } from 'node:fs/promises';

/** Number of occurrences of each word. */
export type Words = Map<string, number>;

/** Counts the words of a text. Case is ignored: `Don't` and `don't` are one word. */
export function countWords(text: string): Words {
  const words: Words = new Map();
  for (const [word] of text.toLowerCase().matchAll(/[\p{L}\p{N}]+(?:['’][\p{L}\p{N}]+)*/gu)) add(words, [[word, 1]]);
  return words;
}

/** Adds `more` to `words`. */
export function add(words: Words, more: Iterable<readonly [string, number]>): void {
  for (const [word, times] of more) words.set(word, (words.get(word) ?? 0) + times);
}

/** Part of a file, from byte `from` up to byte `to`, without `to`. */
export interface Piece {
  readonly file: string;
  readonly from: number;
  readonly to: number;
}

/** Cuts a file into pieces of at least `bytes` bytes. It cuts only at line ends, so that no word and no character is cut. */
export async function pieces(file: string, bytes = 16_384): Promise<Piece[]> {
  const text = await readFile(file);
  const found: Piece[] = [];
  for (let from = 0; from < text.length; from = found.at(-1)!.to) {
    const lineEnd = text.indexOf('\n', from + bytes - 1);
    found.push({ file, from, to: lineEnd < 0 ? text.length : lineEnd + 1 });
  }
  return found;
}

export async function read({ file, from, to }: Piece): Promise<string> {
  const handle = await open(file);
  try {
    const bytes = Buffer.alloc(to - from);
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, from);
    return bytes.toString('utf8', 0, bytesRead);
  } finally {
    await handle.close();
  }
}
