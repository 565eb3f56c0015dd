import { safe } from './output.js';

/**
 * Writes a line to stdout and waits until the operating system has it.
 *
 * @returns false if the reader has closed the pipe. A line that was written into a pipe counts as printed.
 */
export function printed(line: string, stream: NodeJS.WriteStream = process.stdout): Promise<boolean> {
  return new Promise((resolve) => stream.write(`${safe(line, stream)}\n`, (error) => resolve(!error)));
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Runs `work` with a signal that aborts at the first SIGINT (Ctrl-C), SIGTERM or SIGHUP. A second one ends the process at once. */
export async function untilInterrupted<R>(work: (signal: AbortSignal) => Promise<R>): Promise<R> {
  const controller = new AbortController();
  const onSignal = (): void => {
    stopListening();
    controller.abort();
  };
  const stopListening = (): void => signals.forEach((signal) => process.off(signal, onSignal));
  for (const signal of signals) process.on(signal, onSignal);
  try {
    return await work(controller.signal);
  } finally {
    stopListening();
  }
}
