/**
 * A message as it lies in Redis: one header line, then the text of the payload.
 *
 *     #<id> <attempts> <crashes>[ a=<most attempts>][ b=<backoff ms>]\n<text>
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
}

export interface Envelope {
  /** `undefined` for a message that came without. */
  readonly header: Header | undefined;
  /** Bytes of the header line with its line break; 0 without one. */
  readonly headerLength: number;
  readonly text: string;
}

// Strict, and within the first 256 characters: what only resembles a header is a foreign message.
const form = /^#([A-Za-z0-9_.:~-]{1,64}) (\d{1,6}) (\d{1,6})((?: [a-z]+=[^ \n]+)*)\n/;
const longest = 256;

export function open(message: string): Envelope {
  const found = message.startsWith('#') ? form.exec(message.slice(0, longest)) : null;
  if (!found) return { header: undefined, headerLength: 0, text: message };
  const [line, id, attempts, crashes, fields] = found as unknown as [string, string, string, string, string];
  return {
    header: { id, attempts: Number(attempts), crashes: Number(crashes), fields },
    headerLength: line.length,
    text: message.slice(line.length),
  };
}

export function headerLine({ id, attempts, crashes, fields }: Header): string {
  return `#${id} ${attempts} ${crashes}${fields}\n`;
}

export function fieldsOf({ attempts, backoffMs }: MessageOptions): string {
  return (attempts === undefined ? '' : ` a=${attempts}`) + (backoffMs === undefined ? '' : ` b=${backoffMs}`);
}

export function optionsOf({ fields }: Header): MessageOptions {
  return { attempts: numberIn(fields, 'a'), backoffMs: numberIn(fields, 'b') };
}

function numberIn(fields: string, name: string): number | undefined {
  const found = fields === '' ? null : new RegExp(` ${name}=(\\d+)(?= |$)`).exec(fields);
  return found ? Number(found[1]) : undefined;
}
