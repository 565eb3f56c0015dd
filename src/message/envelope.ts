/**
 * A message as it lies in Redis: one header line, then the text of the payload.
 *
 *     #<id> <attempts> <crashes>[ a=<most attempts>][ b=<backoff ms>][ t=<timeout ms>][ x=<expires at>][ p=<put at>][ f=<bytes>]\n<text>
 *
 * `f` stands in messages that failed: so many bytes before the text are a line of JSON, the failures (`failures.ts`). They
 * travel with their message, so there is nothing to remove when it is done, and nothing that could stay behind.
 *
 * No JSON begins with `#`, so bare JSON, from Python or redis-cli, is told apart for certain. Fields with names that
 * this version does not know are kept as they are.
 */
export interface Header {
  readonly id: string;
  /** Attempts that have failed so far. */
  readonly attempts: number;
  /** How often a worker died while it held the message. */
  readonly crashes: number;
  /** The optional fields as written, each with a space before it; empty for none. */
  readonly fields: string;
}

/** What the producer asked for, for this message alone. */
export interface MessageOptions {
  /** Most attempts, the first included. */
  readonly attempts?: number | undefined;
  readonly backoffMs?: number | undefined;
  /** Ms that an attempt may take. */
  readonly timeoutMs?: number | undefined;
  /** Unix ms after which it is not handled any more. */
  readonly expiresAt?: number | undefined;
  /** Unix ms; in messages whose id does not tell it. */
  readonly putAt?: number | undefined;
}

export interface Envelope {
  /** `undefined` for a message that came without. */
  readonly header: Header | undefined;
  /** Bytes before the text: of the header line, and of the failures behind it; 0 without them. */
  readonly headerLength: number;
  /** The line of failures; empty for none. */
  readonly failures: string;
  readonly text: string;
}

// Strict, in ASCII, so that characters are bytes, and within the first 256: what only resembles a header is a foreign message.
const form = /^#([A-Za-z0-9_.:~-]{1,64}) (\d{1,6}) (\d{1,6})((?: [a-z]+=[!-~]+)*)\n/;
const longest = 256;

// Of one that we put and that was never tried, as most are: known without being taken to pieces.
const fresh = /^#[A-Za-z0-9_.:~-]{36} 0 0\n/;
/** Characters of the header line of a message that was put by us and never tried. */
export const freshLength = 42;

export function open(message: string): Envelope {
  if (fresh.test(message)) {
    const header = { id: message.slice(1, 37), attempts: 0, crashes: 0, fields: '' };
    return { header, headerLength: freshLength, failures: '', text: message.slice(freshLength) };
  }
  const found = message.startsWith('#') ? form.exec(message.slice(0, longest)) : null;
  if (!found) return { header: undefined, headerLength: 0, failures: '', text: message };
  const [line, id, attempts, crashes, fields] = found as unknown as [string, string, string, string, string];
  const failures = failuresIn(fields, message, line.length);
  const headerLength = line.length + failures.length;
  const header = { id, attempts: Number(attempts), crashes: Number(crashes), fields };
  return { header, headerLength, failures: failures.slice(0, -1), text: message.slice(headerLength) };
}

/** With its line break. What is no such line is part of the text: the scripts judge by the same form. */
function failuresIn(fields: string, message: string, from: number): string {
  const length = numberIn(fields, 'f');
  if (length === undefined) return '';
  const line = message.slice(from, from + length);
  return line.length === length && /^\[[ -~]*\n$/.test(line) ? line : '';
}

export function headerLine({ id, attempts, crashes, fields }: Header): string {
  return `#${id} ${attempts} ${crashes}${fields}\n`;
}

/** The header line of a message that failed, and the line that tells how; that one only where the header has room for its field. */
export function headerAnd(failures: string, header: Header): string {
  const fields = header.fields.replace(/ f=\d+(?= |$)/, '');
  const line = headerLine({ ...header, fields: `${fields} f=${failures.length + 1}` });
  return line.length <= longest ? `${line}${failures}\n` : headerLine({ ...header, fields });
}

const letters = { attempts: 'a', backoffMs: 'b', timeoutMs: 't', expiresAt: 'x', putAt: 'p' } as const;

export function fieldsOf(options: MessageOptions): string {
  let fields = '';
  for (const [option, letter] of Object.entries(letters) as [keyof MessageOptions, string][]) {
    if (options[option] !== undefined) fields += ` ${letter}=${options[option]}`;
  }
  return fields;
}

/** Of a message whose producer asked for nothing: most are. */
export const noOptions: MessageOptions = {};

export function optionsOf({ fields }: Header): MessageOptions {
  if (fields === '') return noOptions;
  return {
    attempts: numberIn(fields, letters.attempts),
    backoffMs: numberIn(fields, letters.backoffMs),
    timeoutMs: numberIn(fields, letters.timeoutMs),
    expiresAt: numberIn(fields, letters.expiresAt),
    putAt: numberIn(fields, letters.putAt),
  };
}

function numberIn(fields: string, name: string): number | undefined {
  const found = fields === '' ? null : new RegExp(` ${name}=(\\d+)(?= |$)`).exec(fields);
  return found ? Number(found[1]) : undefined;
}
