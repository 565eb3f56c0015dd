/**
 * Writes a line on stdout and waits until the system has it.
 *
 * @returns false when nobody reads any more: the pipe is closed. What was written into a pipe counts as printed.
 */
export function printed(line: string, stream: NodeJS.WriteStream = process.stdout): Promise<boolean> {
  return new Promise((resolve) => stream.write(`${line}\n`, (error) => resolve(!error)));
}

const asked = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Aborts at the first Ctrl-C, or when the process is asked to end in another way; the second one ends it at once. */
export async function untilAsked<R>(work: (signal: AbortSignal) => Promise<R>): Promise<R> {
  const controller = new AbortController();
  const onAsked = (): void => {
    stopListening();
    controller.abort();
  };
  const stopListening = (): void => asked.forEach((signal) => process.off(signal, onAsked));
  for (const signal of asked) process.on(signal, onAsked);
  try {
    return await work(controller.signal);
  } finally {
    stopListening();
  }
}
