import { isPromise } from 'node:util/types';
import { writeLine } from './broken-pipes.js';
import type { QueueEvents } from './events.js';
import { printable } from './printable.js';

/**
 * Fields of one log line. They never contain the payload. A field that does not apply is absent.
 *
 * @example
 * const isFinal = ({ event }: LogFields) => event === 'bury';
 */
export interface LogFields {
  /** Name of the queue. */
  readonly queue: string;
  /** The event of the same transition, if there is one. */
  readonly event?: keyof QueueEvents;
  /** Id of the message. */
  readonly id?: string;
  /** Number of the attempt, from 1. */
  readonly attempt?: number;
  /** Milliseconds until the next attempt. */
  readonly delayMs?: number;
  /** Reason of the dead letter. */
  readonly reason?: string;
  /** The error, under the name that pino expects. */
  readonly err?: unknown;
  /** `code` of the error, such as `ENOENT` or `TIMED_OUT`. */
  readonly code?: string;
  readonly [field: string]: unknown;
}

/**
 * The four methods that this library calls on a logger: with fields, and with a sentence. `console` and pino have them. What they
 * throw is ignored, after one warning on stderr.
 *
 * @example
 * const emails = new HotQueue('emails', { logger: pino() });
 * // {"level":40,"queue":"emails","event":"retry","id":"01a1…","attempt":1,"delayMs":889,"err":{…},"msg":"message 01a1… failed …"}
 * const images = new HotQueue('images', { logger: console });
 * // { queue: 'images', event: 'bury', id: '01a1…', … } message 01a1… of queue "images" was buried (expired)
 */
export interface Logger {
  /** Not called today. */
  debug(fields: LogFields, sentence: string): void;
  /** What a handler asked for with `Bury` or `RetryIn`. Not on stderr by default. */
  info(fields: LogFields, sentence: string): void;
  /** A failed attempt, a buried message, a lost lease, a recovered worker, an invalid result of a function. */
  warn(fields: LogFields, sentence: string): void;
  /** Not called today. */
  error(fields: LogFields, sentence: string): void;
}

/** The fields of an error. Never throws: a handler may throw any value, and its getters may throw too. */
export function errorFields(err: unknown): Pick<LogFields, 'err' | 'code'> {
  try {
    const { code } = (err ?? {}) as { code?: unknown };
    return typeof code === 'string' ? { err, code } : { err };
  } catch {
    return { err };
  }
}

const nothing = (): void => {};

export const silent: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };

/** Warnings and errors go to stderr, one line each. Otherwise a worker could bury messages without any notice. */
const stderrLogger: Logger = { ...silent, warn: toStderr, error: toStderr };

/** The logger of a queue without the option `logger`. `hotqueue worker` lets it write to its own log instead of stderr. */
export class DefaultLogger implements Logger {
  /** Of all queues of this process without a target of their own. */
  static target: Logger = stderrLogger;
  target: Logger | undefined;

  debug(fields: LogFields, sentence: string): void {
    this.#target.debug(fields, sentence);
  }

  info(fields: LogFields, sentence: string): void {
    this.#target.info(fields, sentence);
  }

  warn(fields: LogFields, sentence: string): void {
    this.#target.warn(fields, sentence);
  }

  error(fields: LogFields, sentence: string): void {
    this.#target.error(fields, sentence);
  }

  get #target(): Logger {
    return this.target ?? DefaultLogger.target;
  }
}

/** The logger of a queue, as its option `logger` says. It never throws. */
export function loggerOf(queue: string, given: Logger | false | undefined): Logger {
  if (given === false) return silent;
  return given === undefined ? new DefaultLogger() : guarded(queue, given);
}

/** The same logger with methods that never throw: an error in the log must not stop a worker. */
function guarded(queue: string, logger: Logger): Logger {
  let isReported = false;
  const fail = (error: unknown): void => {
    if (isReported) return;
    isReported = true;
    toStderr({ queue }, `the logger of queue "${queue}" failed (${textOf(error)}). Its errors are ignored from now on`);
  };
  const method =
    (level: keyof Logger) =>
    (fields: LogFields, sentence: string): void => {
      try {
        const returned: unknown = logger[level](fields, sentence);
        if (isPromise(returned)) returned.catch(fail); // an async method; its rejection would end the process
      } catch (error) {
        fail(error);
      }
    };
  return { debug: method('debug'), info: method('info'), warn: method('warn'), error: method('error') };
}

function toStderr(_fields: LogFields, sentence: string): void {
  writeLine(process.stderr, `hotqueue: ${printable(sentence)}`);
}

/** The text of a thrown value. Never throws: user code may throw any value, and converting it to text may throw too. */
export function textOf(thrown: unknown): string {
  try {
    return String(thrown);
  } catch {
    return 'the thrown value cannot be read';
  }
}
