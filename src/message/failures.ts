/** One attempt that failed. */
export interface Failure {
  /** 1 for the first. */
  readonly attempt: number;
  /** Unix ms, by the clock of the worker. */
  readonly at: number;
  /** Class of the error. */
  readonly name: string;
  /** Cut after 200 characters. */
  readonly message: string;
}

const mostFailures = 10;
const mostBytes = 4_096;
const longestName = 64;
const longestMessage = 200;

/** Anything may be thrown, also what throws when it is read. */
export function wordsOf(thrown: unknown): { name: string; message: string; stack?: string } {
  try {
    if (!(thrown instanceof Error)) return { name: 'Error', message: String(thrown) };
    const stack: unknown = thrown.stack;
    return { name: String(thrown.name), message: String(thrown.message), ...(typeof stack === 'string' && { stack }) };
  } catch {
    return { name: 'Error', message: 'what was thrown cannot be put into words' };
  }
}

/** What to keep of an error that a handler threw. */
export function failureOf(error: unknown, attempt: number, at: number): Failure {
  const { name, message } = wordsOf(error);
  return { attempt, at, name: name.slice(0, longestName), message: message.slice(0, longestMessage) };
}

/** One line of ASCII, so that its characters are its bytes; the last ten failures, fewer when they are long. */
export function writeFailures(failures: readonly Failure[]): string {
  for (let kept = failures.slice(-mostFailures); ; kept = kept.slice(1)) {
    const line = JSON.stringify(kept).replace(/[\u007f-\uffff]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`);
    if (line.length < mostBytes) return line;
  }
}

/** @returns none for a line that is not ours */
export function readFailures(line: string): Failure[] {
  try {
    const failures: unknown = JSON.parse(line);
    return Array.isArray(failures) ? (failures as Failure[]) : [];
  } catch {
    return [];
  }
}
