/**
 * The header of a message. A message in Redis is one header line, then the text of the payload:
 *
 *     #<id> <attempts> <crashes>[ a=<most attempts>][ b=<backoff ms>][ t=<timeout ms>][ x=<expires at>][ p=<put at>][ j=1][ s=1][ c=1][ d=<ready at>][ n=<id>][ w=<traceparent>][ v=<tracestate>][ l=<times left>][ f=<bytes>]\n<text>
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
  /** Id of a job of the same queue that waits for this one. A flow writes it if no other of its jobs waits for this one. */
  readonly child?: string | undefined;
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
export const longest = 256;

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

/** Characters that Redis and workers may add to a header: longer counts and times, failures, times left. */
const addedLater = 64;

/** A message that was not put yet, and names its child, see {@link MessageOptions.child}; `undefined` if its header would become too long. */
export function withChild(message: string, id: string): string | undefined {
  const length = message.indexOf('\n');
  const field = ` ${letters.child}=${id}`;
  if (length + field.length > longest - addedLater) return undefined;
  return message.slice(0, length) + field + message.slice(length);
}

/** The field `readyAt` as text, see {@link fieldsOf}. */
export function readyField(readyAt: number): string {
  return ` ${letters.readyAt}=${readyAt}`;
}

/** A header has six digits for a count. */
export const mostCounted = 999_999;

/** The header line, with its line break. The counts saturate. `headerLine` in `_lib.lua` writes the same. */
export function headerLine({ id, attempts, crashes, fields }: Header): string {
  return `#${id} ${Math.min(attempts, mostCounted)} ${Math.min(crashes, mostCounted)}${fields}\n`;
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
  child: 'n',
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

/** The fields of a step of a flow without other options, as most steps are. */
const stepOnly = /^ j=1(?: d=(\d{1,16}))?(?: n=([A-Za-z0-9_.:~@-]{1,64}))?$/;

/** The options in a header. */
export function optionsOf({ fields }: Header): MessageOptions {
  if (fields === '') return noOptions;
  if (fields === trackedOnly) return onlyTracked;
  const step = fields.startsWith(trackedOnly) ? stepOnly.exec(fields) : null;
  if (step) return { tracked: 1, readyAt: step[1] === undefined ? undefined : Number(step[1]), child: step[2] };
  const numbers: { [letter: string]: number | undefined } = {};
  let backoffsMs: number[] | undefined;
  let child: string | undefined;
  for (const field of fields.split(' ')) {
    const value = field.slice(2); // what it leaves of a name of several letters is no number
    if (field.startsWith(`${letters.child}=`)) child ??= anId.test(value) ? value : undefined;
    else if (aNumber.test(value)) numbers[field[0]!] ??= Number(value);
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
    child,
  };
}

const aNumber = /^\d+$/;
const aList = /^\d+(,\d+)+$/;
const anId = /^[A-Za-z0-9_.:~@-]{1,64}$/;

export function numberIn(fields: string, name: string): number | undefined {
  const found = fields.includes(` ${name}=`) ? new RegExp(` ${name}=(\\d+)(?= |$)`).exec(fields) : null;
  return found ? Number(found[1]) : undefined;
}
