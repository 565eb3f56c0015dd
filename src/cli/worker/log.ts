import type { Logger } from 'hotqueue';
import { wordsOf } from '../../wire/failures.js';
import type { BoundHandler } from '../../worker/handlers.js';
import { harmless, paint } from '../output.js';
import type { LogForm } from './settings.js';

export type Level = 'info' | 'warn' | 'error';

/** One line of the log. `event` is the verb of a transition, or an event of a process. It never contains a payload. */
export interface Entry {
  /** ISO 8601. */
  readonly time: string;
  readonly level: Level;
  readonly event: string;
  readonly pid: number;
  /** Name of the process: `--name` or HOTQUEUE_NAME. */
  readonly process: string;
  readonly [field: string]: unknown;
}

export type Log = (event: string, fields?: Readonly<Record<string, unknown>>, level?: Level) => void;

/** A log that writes to stdout until the reader closes it. */
export function logIn(form: LogForm): Log {
  if (form === 'none') return () => {};
  let isRead = true;
  process.stdout.on('error', () => (isRead = false)); // the reader closed the pipe, as `| head` does; the workers continue
  return (event, fields = {}, level = 'info') => {
    if (!isRead) return;
    const name = process.env['HOTQUEUE_NAME'] ?? '';
    const entry: Entry = { time: new Date().toISOString(), level, event, pid: process.pid, process: name, ...fields };
    process.stdout.write(`${form === 'json' ? JSON.stringify(entry) : pretty(entry)}\n`);
  };
}

const colours = { info: 'green', warn: 'yellow', error: 'red' } as const;

/** `05:01:22  4711  retry    images  0193…  attempt 1  retry in 1000 ms  Error: no such file` */
export function pretty({ time, level, event, pid, process: name, ...fields }: Entry): string {
  const words = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([field, value]) => wordOf(field, value));
  const who = name === '' ? String(pid) : `${name} (${pid})`;
  return [
    paint('dim', new Date(time).toLocaleTimeString('en-GB')),
    paint('dim', who),
    paint(colours[level], event.padEnd(7)),
    ...words,
  ]
    .join('  ')
    .trimEnd();
}

const units: Readonly<Record<string, (value: string) => string>> = {
  tookMs: (value) => `${value} ms`,
  delayMs: (value) => `retry in ${value} ms`,
  attempt: (value) => `attempt ${value}`,
  child: (value) => `child ${value}`,
  code: (value) => `exit code ${value}`,
};

function wordOf(field: string, value: unknown): string {
  if (field === 'handlers')
    return (value as readonly { name: string; queue: string; concurrency: number }[])
      .map((one) => `${one.name} on ${one.queue} (${one.concurrency})`)
      .join(', ');
  const bare = field === 'error' ? sentence(value as { name: string; message: string }) : String(value);
  // Only the first line: an error message of a handler can have several.
  const text = harmless(bare.split('\n')[0]!);
  return (
    units[field]?.(text) ?? (/^(queue|id|reason|error|message|signal|file)$/.test(field) ? text : `${field} ${text}`)
  );
}

const sentence = ({ name, message }: { name: string; message: string }): string => `${name}: ${message}`;

/** Writes a log line for the end of each attempt. @returns the same handlers, with their warnings in the log too */
export function logAttempts(
  handlers: readonly BoundHandler[],
  defaultLogger: Logger,
  log: Log,
): readonly BoundHandler[] {
  for (const events of new Set(handlers.map(({ context }) => context.events))) {
    const began = new Map<string, number>();
    const over = (
      verb: string,
      { queue, id, attempt, ...more }: { queue: string; id: string; attempt: number },
      level?: Level,
    ): void => {
      const tookMs = began.has(id) ? Math.round(performance.now() - began.get(id)!) : undefined;
      began.delete(id);
      log(verb, { queue, id, attempt, ...(tookMs !== undefined && { tookMs }), ...more }, level);
    };
    events.on('take', ({ id }) => void began.set(id, performance.now()));
    events.on('ack', ({ queue, id, attempt }) => over('ack', { queue, id, attempt }));
    events.on('release', (event) => over('release', event));
    events.on('retry', ({ error, ...event }) => over('retry', { ...event, ...withError(error) }, 'warn'));
    events.on('bury', ({ error, ...event }) => over('bury', { ...event, ...withError(error) }, 'error'));
    events.on('lost', (event) => over('lost', event, 'warn'));
  }
  const logger = inLog(log);
  // Only the default logger is replaced: a logger that the user gave to the queue stays.
  return handlers.map((handler) =>
    handler.context.logger === defaultLogger ? { ...handler, context: { ...handler.context, logger } } : handler,
  );
}

function withError(error: unknown): { error?: object } {
  if (error === undefined) return {};
  const { name, message, stack } = wordsOf(error);
  return { error: { name, message, ...(stack !== undefined && { stack }) } };
}

/** Writes the warnings of the library to the log. Skips failed attempts, which have a line of their own from the event. */
function inLog(log: Log): Logger {
  const say =
    (level: Level) =>
    (message: string): void => {
      if (!/^message \S+ of queue "[^"]+" (failed attempt \d|(was )?buried\b)/.test(message))
        log('warning', { message }, level);
    };
  return { debug: () => {}, info: () => {}, warn: say('warn'), error: say('error') };
}
