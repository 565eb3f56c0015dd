// Messages that go back into a list: what changes in their headers.
import {
  freshLength,
  headerLine,
  longest,
  mostCounted,
  numberIn,
  readyField,
  type Envelope,
  type Header,
} from './envelope.js';
import { failureOf, readFailures, writeFailures } from './failures.js';

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
  const header = envelope?.header;
  if (!header) return message;
  return withHeader(message, envelope, { ...header, fields: `${header.fields.replace(/ c=1(?= |$)/, '')} c=1` });
}

/** How often loops have ended while they had the message, since its last attempt. */
export function timesLeft(envelope: Envelope | undefined): number {
  return numberIn(envelope?.header?.fields ?? '', 'l') ?? 0;
}

/** The bytes of a message that a loop left behind once more. Unchanged if its header would become too long. */
export function withTimesLeft(message: Buffer, envelope: Envelope | undefined, id: string): Buffer {
  const { attempts, crashes, fields } = envelope?.header ?? { attempts: 0, crashes: 0, fields: '' };
  const left = `${withoutTimesLeft(fields)} l=${Math.min(timesLeft(envelope) + 1, mostCounted)}`;
  return withHeader(message, envelope, { id, attempts, crashes, fields: left });
}

/** The bytes of a message with another header. Unchanged if that is too long. */
function withHeader(message: Buffer, envelope: Envelope | undefined, header: Header): Buffer {
  const { headerLength, failures } = envelope ?? { headerLength: freshLength, failures: '' };
  const line = headerLine(header);
  if (line.length > longest) return message;
  const failureLength = failures === '' ? 0 : failures.length + 1;
  return Buffer.concat([Buffer.from(line), message.subarray(headerLength - failureLength)]);
}

const withoutTimesLeft = (fields: string): string => fields.replace(/ l=\d+(?= |$)/, '');

function withReadyAt(fields: string, readyAt: number | undefined): string {
  if (readyAt === undefined) return fields;
  return fields.replace(/ d=\d+(?= |$)/, '') + readyField(readyAt);
}

/** Header line and line of failures. Without the failures if their field would make the header too long. */
export function headerAnd(failures: string, header: Header): string {
  const fields = header.fields.replace(/ f=\d+(?= |$)/, '');
  const line = headerLine({ ...header, fields: `${fields} f=${failures.length + 1}` });
  return line.length <= longest ? `${line}${failures}\n` : headerLine({ ...header, fields });
}
