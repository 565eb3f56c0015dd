import { InvalidLineError } from 'hotqueue';

export interface Line {
  /** 1 for the first. */
  readonly number: number;
  readonly text: string;
}

/** More than any message may have. */
const longestLine = 16 * 1_048_576;
const newline = 10;

/**
 * The lines of a stream of UTF-8 without their ends, as many at once as came at once: nobody waits for a line that is there.
 * Not readline's: that would replace what is no UTF-8, and gather a file without line breaks in memory.
 *
 * @throws InvalidLineError, after the lines before that
 */
export async function* linesOf(stream: AsyncIterable<Buffer> | Iterable<Buffer>): AsyncGenerator<Line[], void, undefined> {
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
    if (keptBytes > longestLine) throw new InvalidLineError(number + 1, 'it is longer than 16 MiB: write one message per line');
  }
  if (keptBytes > 0) yield [take(Buffer.alloc(0))];
}

function textOf(bytes: Buffer, number: number): string {
  try {
    // Takes the byte order mark off, which other programs write at the beginning.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new InvalidLineError(number, 'it is not UTF-8: convert the file, for example with iconv -t UTF-8');
  }
}
