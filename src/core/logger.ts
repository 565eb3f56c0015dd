/**
 * The four methods that this library calls on a logger. `console` and pino have them.
 *
 * @example
 * const emails = new HotQueue('emails', { logger: pino() });
 */
export interface Logger {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

const nothing = (): void => {};

export const silent: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };

/**
 * The default: warnings and errors go to stderr, one line each. Otherwise a worker could bury messages without any notice.
 */
export const stderrLogger: Logger = {
  ...silent,
  warn: (message) => void process.stderr.write(`hotqueue: ${message}\n`),
  error: (message) => void process.stderr.write(`hotqueue: ${message}\n`),
};
