import { failureOf, readFailures, writeFailures } from './failures.js';

/**
 * The header of a message. A message in Redis is one header line, then the text of the payload:
 *
 *     #<id> <attempts> <crashes>[ a=<most attempts>][ b=<backoff ms>][ t=<timeout ms>][ x=<expires at>][ p=<put at>][ j=1][ s=1][ c=1][ d=<ready at>][ w=<traceparent>][ v=<tracestate>][ l=<times left>][ f=<bytes>]\n<text>
 *
 * `f` is in messages that failed: that many bytes before the text are a line of JSON with the failures (`failures.ts`). The
 * failures are part of their message, so they disappear with it.
 *
 * JSON never begins with `#`, so a bare JSON message, from Python or redis-cli, cannot be taken for a message with a header.
 * Fields that this version does not know are kept unchanged.
 */
export interface Header {
  readonly id: string;
  /** Attempts that have failed so far. */
  readonly attempts: number;
  /** How often a worker died while the message was active there. */
  readonly crashes: number;
  /** The optional fields as text, each after a space; empty if there are none. */
  readonly fields: string;
}

/** Options of one message, as its publisher set them. */
export interface MessageOptions {
  /** Maximum number of attempts, the first included. */
  readonly attempts?: number | undefined;
  readonly backoffMs?: number | undefined;
  /** Time limit of one attempt, ms. */
  readonly timeoutMs?: number | undefined;
  /** Unix ms, by the server's clock, after which the message is not handled. In a put it is `+<ms>`, and Redis makes it a time. */
  readonly expiresAt?: number | undefined;
  /** Time of the put, Unix ms; only in messages with an id that does not contain it. */
  readonly putAt?: number | undefined;
  /** 1 for a message whose job has a record. */
  readonly tracked?: number | undefined;
  /** 1 for a message that a schedule has put: its id says which, and when it was due. */
  readonly scheduled?: number | undefined;
  /** 1 for a message whose job is continued by another job, and has its result. */
  readonly continued?: number | undefined;
  /** When the message is ready to start, Unix ms; in delayed messages and in those that are to be retried. */
  readonly readyAt?: number | undefined;
  /** Waits before the next attempts, ms; the last one repeats. Instead of `backoffMs`. */
  readonly backoffsMs?: readonly number[] | undefined;
}

/** A message, split into its parts. */
export interface Envelope {
  /** `undefined` for a message without a header. */
  readonly header: Header | undefined;
  /** Bytes before the text: the header line and the line of failures; 0 without a header. */
  readonly headerLength: number;
  /** The line of failures, without its line break; empty if there is none. */
  readonly failures: string;
  readonly text: string;
}

// Strict: ASCII only, so that the number of characters is the number of bytes, and at most 256 of them. Text that only
// resembles a header is a message without one. `parseHeader` in `_lib.lua` reads the same; a test compares both.
const form = /^#([A-Za-z0-9_.:~@-]{1,64}) (\d{1,6}) (\d{1,6})((?: [a-z]+=[!-~]+)*)\n/;
const longest = 256;

/** The fields of a tracked message without other options, as most tracked ones are. */
const trackedOnly = ' j=1';

// A message of ours before its first attempt, as most are. It has no options but perhaps `j=1`, so its header need not be parsed.
const fresh = /^#[A-Za-z0-9_.:~@-]{36} 0 0(?: j=1)?\n/;
/** Characters in the header line of a message that we put without options, before its first attempt. */
export const freshLength = 42;
/**
 * The header that this library writes before the first attempt, at `lastIndex`. A take has many messages in one text, and a test
 * with this makes no text of each.
 */
export const freshHeader = /#[A-Za-z0-9_.:~@-]{36} 0 0\n/y;

/** Splits a message into header, failures and text. */
export function open(message: string): Envelope {
  if (fresh.test(message)) {
    const fields = message[freshLength - 1] === '\n' ? '' : trackedOnly;
    const headerLength = freshLength + fields.length;
    const header = { id: message.slice(1, 37), attempts: 0, crashes: 0, fields };
    return { header, headerLength, failures: '', text: message.slice(headerLength) };
  }
  const found = message.startsWith('#') ? form.exec(message.slice(0, longest)) : null;
  if (!found) return { header: undefined, headerLength: 0, failures: '', text: message };
  const [line, id, attempts, crashes, fields] = found as unknown as [string, string, string, string, string];
  const failures = failuresIn(fields, message, line.length);
  const headerLength = line.length + failures.length;
  const header = { id, attempts: Number(attempts), crashes: Number(crashes), fields };
  return { header, headerLength, failures: failures.slice(0, -1), text: message.slice(headerLength) };
}

/** The line of failures with its line break. A line of another form is part of the text. `failuresLength` in `_lib.lua` reads the same. */
function failuresIn(fields: string, message: string, from: number): string {
  const length = numberIn(fields, 'f');
  if (length === undefined) return '';
  const line = message.slice(from, from + length);
  return line.length === length && /^\[[ -~]*\n$/.test(line) ? line : '';
}

/**
 * The bytes of a message that comes back for another attempt: one attempt more in the header, and the error among its failures.
 *
 * @param envelope of the message; `undefined` for one that this library put and no worker has tried
 * @param claim id of the message, and number of the attempt that just ended
 * @param readyAt when it is ready for that attempt, Unix ms; unchanged if absent
 */
export function withFailure(
  message: Buffer,
  envelope: Envelope | undefined,
  { id, attempt }: { readonly id: string; readonly attempt: number },
  error: unknown,
  readyAt?: number,
): Buffer {
  const {
    header,
    headerLength,
    failures: before,
  } = envelope ?? { header: undefined, headerLength: freshLength, failures: '' };
  const failures =
    error === undefined ? before : writeFailures([...readFailures(before), failureOf(error, attempt, Date.now())]);
  const fields = withReadyAt(withoutTimesLeft(header?.fields ?? ''), readyAt);
  const next = { id, attempts: attempt, crashes: header?.crashes ?? 0, fields };
  return Buffer.concat([
    Buffer.from(failures === '' ? headerLine(next) : headerAnd(failures, next)),
    message.subarray(headerLength),
  ]);
}

/** The bytes of a message whose job will have the result of another one. Unchanged if its header would become too long. */
export function withContinuation(message: Buffer, envelope: Envelope | undefined): Buffer {
  const { header, headerLength = 0, failures = '' } = envelope ?? {};
  if (!header) return message;
  const line = headerLine({ ...header, fields: `${header.fields.replace(/ c=1(?= |$)/, '')} c=1` });
  if (line.length > longest) return message;
  const failureLength = failures === '' ? 0 : failures.length + 1;
  return Buffer.concat([Buffer.from(line), message.subarray(headerLength - failureLength)]);
}

/** How often loops have ended while they had the message, since its last attempt. */
export function timesLeft(envelope: Envelope | undefined): number {
  return numberIn(envelope?.header?.fields ?? '', 'l') ?? 0;
}

/** The bytes of a message that a loop left behind once more. Unchanged if its header would become too long. */
export function withTimesLeft(message: Buffer, envelope: Envelope | undefined, id: string): Buffer {
  const { header, headerLength, failures } = envelope ?? { header: undefined, headerLength: freshLength, failures: '' };
  const { attempts, crashes, fields } = header ?? { attempts: 0, crashes: 0, fields: '' };
  const left = `${withoutTimesLeft(fields)} l=${Math.min(timesLeft(envelope) + 1, mostCounted)}`;
  const line = headerLine({ id, attempts, crashes, fields: left });
  if (line.length > longest) return message;
  const failureLength = failures === '' ? 0 : failures.length + 1;
  return Buffer.concat([Buffer.from(line), message.subarray(headerLength - failureLength)]);
}

const withoutTimesLeft = (fields: string): string => fields.replace(/ l=\d+(?= |$)/, '');

function withReadyAt(fields: string, readyAt: number | undefined): string {
  if (readyAt === undefined) return fields;
  return `${fields.replace(/ d=\d+(?= |$)/, '')} ${letters.readyAt}=${readyAt}`;
}

/** A header has six digits for a count. */
const mostCounted = 999_999;

/** The header line, with its line break. The counts saturate. `headerLine` in `_lib.lua` writes the same. */
export function headerLine({ id, attempts, crashes, fields }: Header): string {
  return `#${id} ${Math.min(attempts, mostCounted)} ${Math.min(crashes, mostCounted)}${fields}\n`;
}

/** Header line and line of failures. Without the failures if their field would make the header too long. */
export function headerAnd(failures: string, header: Header): string {
  const fields = header.fields.replace(/ f=\d+(?= |$)/, '');
  const line = headerLine({ ...header, fields: `${fields} f=${failures.length + 1}` });
  return line.length <= longest ? `${line}${failures}\n` : headerLine({ ...header, fields });
}

const letters = {
  attempts: 'a',
  backoffMs: 'b',
  backoffsMs: 'b',
  timeoutMs: 't',
  expiresAt: 'x',
  putAt: 'p',
  tracked: 'j',
  scheduled: 's',
  continued: 'c',
  readyAt: 'd',
} as const;

const lettersOfOptions = Object.entries(letters) as [keyof MessageOptions, string][];

/** The options as text for {@link Header.fields}. @param ttlMs for a message that Redis gives an `expiresAt` */
export function fieldsOf(options: MessageOptions, ttlMs?: number): string {
  let fields = ttlMs === undefined ? '' : ` ${letters.expiresAt}=+${ttlMs}`;
  for (const [option, letter] of lettersOfOptions) {
    const value = options[option];
    if (value !== undefined) fields += ` ${letter}=${String(value)}`; // a list is joined with commas
  }
  return fields;
}

/** Options of a message without options, as most are. */
export const noOptions: MessageOptions = {};

const onlyTracked: MessageOptions = { tracked: 1 };

/** The options in a header. */
export function optionsOf({ fields }: Header): MessageOptions {
  if (fields === '') return noOptions;
  if (fields === trackedOnly) return onlyTracked;
  const numbers: { [letter: string]: number | undefined } = {};
  let backoffsMs: number[] | undefined;
  for (const field of fields.split(' ')) {
    const value = field.slice(2); // what it leaves of a name of several letters is no number
    if (aNumber.test(value)) numbers[field[0]!] ??= Number(value);
    else if (field[0] === letters.backoffsMs && aList.test(value)) backoffsMs ??= value.split(',').map(Number);
  }
  return {
    attempts: numbers[letters.attempts],
    backoffMs: numbers[letters.backoffMs],
    backoffsMs,
    timeoutMs: numbers[letters.timeoutMs],
    expiresAt: numbers[letters.expiresAt],
    putAt: numbers[letters.putAt],
    tracked: numbers[letters.tracked],
    scheduled: numbers[letters.scheduled],
    continued: numbers[letters.continued],
    readyAt: numbers[letters.readyAt],
  };
}

const aNumber = /^\d+$/;
const aList = /^\d+(,\d+)+$/;

function numberIn(fields: string, name: string): number | undefined {
  const found = fields === '' ? null : new RegExp(` ${name}=(\\d+)(?= |$)`).exec(fields);
  return found ? Number(found[1]) : undefined;
}
