import { InvalidLineError } from './errors.js';

export interface Line {
  /** From 1. */
  readonly number: number;
  readonly text: string;
}

/** More than the largest message may have. */
const longestLine = 16 * 1_048_576;
const newline = 10;

/**
 * The lines of a UTF-8 stream, without line breaks. Yields the lines of each chunk at once, so a complete line never waits for
 * more input.
 *
 * Does not use readline: it would replace bytes that are not UTF-8, and would read a file without line breaks into memory.
 *
 * @throws InvalidLineError, after it has yielded the lines before the invalid one
 */
export async function* linesOf(
  stream: AsyncIterable<Buffer> | Iterable<Buffer>,
): AsyncGenerator<Line[], void, undefined> {
  let number = 0;
  let kept: Buffer[] = [];
  let keptBytes = 0;
  const take = (end: Buffer): Line => {
    number += 1;
    const bytes = kept.length === 0 ? end : Buffer.concat([...kept, end]);
    kept = [];
    keptBytes = 0;
    return { number, text: textOf(bytes, number) };
  };
  for await (const chunk of stream) {
    const found: Line[] = [];
    let from = 0;
    try {
      for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, from)) {
        found.push(take(chunk.subarray(from, at)));
        from = at + 1;
      }
    } catch (error) {
      yield found;
      throw error;
    }
    yield found;
    kept.push(chunk.subarray(from));
    keptBytes += chunk.length - from;
    if (keptBytes > longestLine)
      throw new InvalidLineError(number + 1, 'the line is longer than 16 MiB: write one message per line');
  }
  if (keptBytes > 0) yield [take(Buffer.alloc(0))];
}

function textOf(bytes: Buffer, number: number): string {
  try {
    // Also removes the byte order mark that some programs write at the start.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new InvalidLineError(number, 'the line is not UTF-8: convert the file, for example with iconv -t UTF-8');
  }
}
