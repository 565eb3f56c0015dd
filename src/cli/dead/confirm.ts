import { createInterface } from 'node:readline/promises';

/** Asks a yes-or-no question. @returns `undefined` without a terminal; false for any answer but y or yes */
export async function confirmed(question: string): Promise<boolean | undefined> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return undefined;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } catch {
    return false; // Ctrl-D
  } finally {
    terminal.close();
  }
}
