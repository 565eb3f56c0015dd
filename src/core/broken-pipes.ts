let users = 0;

/**
 * Lets this process live on when the reader of its output has gone away (EPIPE), such as a log collector that has crashed.
 *
 * Without a listener, Node ends the process. Other errors still end it.
 *
 * @returns a function that ends this; call it once
 */
export function ignoreBrokenPipes(): () => void {
  users += 1;
  // One listener for all users: Node warns of more than ten.
  if (users === 1) for (const stream of streams()) stream.on('error', ignoreEpipe);
  return () => {
    users -= 1;
    if (users === 0) for (const stream of streams()) stream.off('error', ignoreEpipe);
  };
}

/** Writes a line. If the reader has gone away, the line is lost, and the process lives on. */
export function writeLine(stream: NodeJS.WriteStream, line: string): void {
  // As `console` does: the callback runs before the event "error".
  stream.write(
    `${line}\n`,
    (error) => void (error && stream.listenerCount('error') === 0 && stream.once('error', () => {})),
  );
}

const streams = (): readonly NodeJS.WriteStream[] => [process.stdout, process.stderr];

function ignoreEpipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_DESTROYED') throw error;
}
