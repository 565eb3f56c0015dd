/** The four methods we call; `console` and pino both fit. */
export interface Logger {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

const nothing = (): void => {};

export const silent: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };

/** Warnings and errors on stderr, one line each: a worker that buries messages must not do so in silence. */
export const stderrLogger: Logger = {
  ...silent,
  warn: (message) => void process.stderr.write(`hotqueue: ${message}\n`),
  error: (message) => void process.stderr.write(`hotqueue: ${message}\n`),
};
