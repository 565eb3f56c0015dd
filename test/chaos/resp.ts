/** Offset behind the RESP element that begins at `at`, or -1 if the element is not complete yet. Reads RESP2 and RESP3. */
export function endOf(bytes: Buffer, at: number): number {
  const line = bytes.indexOf('\r\n', at);
  if (line < 0) return -1;
  const next = line + 2;
  const count = (): number => Number(bytes.toString('latin1', at + 1, line));
  switch (String.fromCharCode(bytes[at]!)) {
    case '$':
    case '=':
    case '!': {
      const end = count() < 0 ? next : next + count() + 2;
      return end <= bytes.length ? end : -1;
    }
    case '*':
    case '~':
    case '>':
      return endOfMany(bytes, next, count());
    case '%':
    case '|':
      return endOfMany(bytes, next, count() * 2);
    default:
      return next;
  }
}

function endOfMany(bytes: Buffer, at: number, count: number): number {
  let end = at;
  for (let index = 0; index < count && end >= 0; index++) end = end < bytes.length ? endOf(bytes, end) : -1;
  return end;
}

/** Splits a stream into complete elements. It keeps an incomplete element until the rest arrives. */
export class Splitter {
  #rest: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): Buffer[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const elements: Buffer[] = [];
    let at = 0;
    while (at < this.#rest.length) {
      const end = endOf(this.#rest, at);
      if (end < 0) break;
      elements.push(this.#rest.subarray(at, end));
      at = end;
    }
    this.#rest = this.#rest.subarray(at);
    return elements;
  }
}

/** The first words of a command as a client sends it, at most `most` of them. */
export function wordsOf(command: Buffer, most: number): string[] {
  const words: string[] = [];
  let at = command.indexOf('\r\n') + 2;
  while (at < command.length && words.length < most) {
    const end = endOf(command, at);
    const body = command.indexOf('\r\n', at) + 2;
    words.push(command.toString('utf8', body, end - 2));
    at = end;
  }
  return words;
}
