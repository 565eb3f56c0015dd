import { closeSync, constants, openSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { writeLine } from '../core/broken-pipes.js';
import { printable } from '../core/printable.js';

let hasSpoken = false;

/** Prints a line about the chosen server on stderr, once per process. On a terminal, it is wrapped between words. */
export function sayOnce(line: string): void {
  if (!hasSpoken) writeLine(process.stderr, wrapped(printable(`hotqueue: ${line}`), widthOf(process.stderr)));
  hasSpoken = true;
}

const widthOf = (stream: NodeJS.WriteStream): number => (stream.isTTY === true ? stream.columns || 80 : Infinity);

/** Breaks a line at spaces, so that none is longer than `columns`. A longer word stays whole. */
export function wrapped(line: string, columns: number): string {
  const lines = [''];
  for (const word of line.split(' ')) {
    const last = lines.at(-1)!;
    if (last === '') lines[lines.length - 1] = word;
    else if (last.length + 1 + word.length <= columns) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.join('\n');
}

/** Overwrites a file, but does not follow a link, which another user may have put there. */
const ownFile = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | (constants.O_NOFOLLOW ?? 0);

/**
 * Whether the notice of an embedded server is due: once a day in each data directory, and again when its text has changed, such as
 * after the server was replaced by one of another kind.
 */
export function isNoticeDue(dataDir: string, text: string, now = new Date()): boolean {
  const file = path.join(dataDir, 'notice');
  const note = `${now.toISOString().slice(0, 10)} ${text}\n`;
  try {
    if (readFileSync(file, 'utf8') === note) return false;
  } catch {
    // there was no notice yet
  }
  try {
    const descriptor = openSync(file, ownFile, 0o600);
    writeFileSync(descriptor, note);
    closeSync(descriptor);
  } catch {
    // The directory is not writable: then the notice is printed each time.
  }
  return true;
}
