import { fstatSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { InvalidOptionError, InvalidPayloadError, NotSerializableError, type Job } from 'hotqueue';
import { InvalidLineError } from './errors.js';
import { jsonText, type JsonText } from './json-text.js';
import { linesOf, type Line } from './lines.js';
import { printable } from './output.js';

/** Stores all messages or none. */
export type Put = (messages: readonly JsonText[]) => Promise<readonly Job<JsonText>[]>;

/** The input that lines are read from. */
export interface Source {
  readonly stream: AsyncIterable<Buffer> | Iterable<Buffer>;
  /** Share of the bytes that was read, 0 to 1; `undefined` if the size is not known. */
  readonly part: () => number | undefined;
}

const batchSize = 1_000;
/** Largest file that can be a single message: larger messages are refused anyway. */
const mostBytes = 1_048_576;

/** Standard input. */
export function fromStdin(): Source {
  const { stdin } = process; // the size is known if a file was redirected to it
  const stat = fstatSync(stdin.fd);
  return { stream: stdin, part: () => (stat.isFile() && stat.size > 0 ? stdin.bytesRead / stat.size : undefined) };
}

/**
 * Opens a file. If the whole file is one JSON value, perhaps over several lines, it is also returned as one message.
 *
 * @throws InvalidOptionError if the file cannot be read
 */
export async function fromFile(file: string): Promise<Source & { readonly message?: JsonText }> {
  try {
    const handle = await open(file);
    const { size } = await handle.stat();
    // Several JSON values in a row never parse as one value, so a file of lines is never taken for one message.
    const bytes = size <= mostBytes ? await handle.readFile() : Buffer.alloc(0);
    const stream = handle.createReadStream({ start: 0 });
    const source = { stream, part: () => (size > 0 ? stream.bytesRead / size : undefined) };
    try {
      const message = jsonText(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
      stream.destroy();
      return { ...source, message };
    } catch {
      return source;
    }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new InvalidOptionError('message', `cannot read @${printable(file)}: ${printable(why)}`);
  }
}

/**
 * Puts each line as a message, in order. Skips empty lines.
 *
 * @param onStored called for each batch after it was stored
 * @throws InvalidLineError for the first line that is not a valid message; the lines before it are stored
 */
export async function putLines(
  stream: Source['stream'],
  put: Put,
  onStored: (jobs: readonly Job<JsonText>[]) => void,
): Promise<number> {
  let stored = 0;
  const store: Put = async (messages) => {
    const jobs = await put(messages);
    stored += jobs.length;
    onStored(jobs);
    return jobs;
  };
  try {
    for await (const lines of linesOf(stream)) {
      for (let from = 0; from < lines.length; from += batchSize)
        await putBatch(lines.slice(from, from + batchSize), store);
    }
  } catch (error) {
    if (error instanceof InvalidLineError) throw new InvalidLineError(error.line, error.why, stored);
    throw error;
  }
  return stored;
}

interface Numbered {
  readonly number: number;
  readonly message: JsonText;
}

async function putBatch(lines: readonly Line[], put: Put): Promise<void> {
  const messages: Numbered[] = [];
  let bad: InvalidLineError | undefined;
  for (const line of lines) {
    if (line.text.trim() === '') continue;
    try {
      messages.push({ number: line.number, message: jsonText(line.text) });
    } catch (error) {
      bad = new InvalidLineError(line.number, notJson(line.text, error));
      break;
    }
  }
  if (messages.length > 0) await putChecked(messages, put);
  if (bad) throw bad;
}

/** Puts a batch at once. If it is refused, puts the messages one by one to find the invalid one; those before it are stored. */
async function putChecked(messages: readonly Numbered[], put: Put): Promise<void> {
  try {
    await put(messages.map(({ message }) => message));
  } catch (error) {
    if (!isRefused(error)) throw error;
    for (const { number, message } of messages) {
      try {
        await put([message]);
      } catch (why) {
        if (isRefused(why)) throw new InvalidLineError(number, why.message);
        throw why;
      }
    }
  }
}

const isRefused = (error: unknown): error is Error =>
  error instanceof InvalidPayloadError || error instanceof NotSerializableError;

/** The first 60 characters of a text. */
const shortened = (text: string): string => (text.length > 60 ? `${text.slice(0, 59)}…` : text);

/** Says what is wrong with a text that should be JSON, and how to write it. */
export function notJson(text: string, error: unknown): string {
  const said = error instanceof Error ? printable(error.message) : '';
  const shown = printable(shortened(text.trim()));
  return /^[\p{L}_][^"{}[\]]*$/u.test(text.trim())
    ? `invalid JSON ${shown}: write a string in double quotes, ${JSON.stringify(shown)}`
    : `invalid JSON ${shown} (${said})`;
}
