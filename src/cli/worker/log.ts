import type { EventEmitter } from 'node:events';
import type { QueueEvents } from '../../core/events.js';
import { DefaultLogger, type LogFields, type Logger } from '../../core/logger.js';
import type { QueueContext } from '../../redis/queue-context.js';
import { wordsOf } from '../../wire/error-record.js';
import { jsonLine, paint, printable } from '../output.js';
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
  process.stdout.once('error', () => (isRead = false)); // the reader closed the pipe, as `| head` does; the workers continue
  return (event, fields = {}, level = 'info') => {
    if (!isRead) return;
    const name = process.env['HOTQUEUE_NAME'] ?? '';
    const entry: Entry = { time: new Date().toISOString(), level, event, pid: process.pid, process: name, ...fields };
    process.stdout.write(`${form === 'json' ? jsonLine(entry) : pretty(entry)}\n`);
  };
}

const colours = { info: 'green', warn: 'yellow', error: 'red' } as const;

/** `05:01:22  4711  retry    images  0193…  attempt 1  retry in 1000 ms  Error: no such file` */
export function pretty({ time, level, event, pid, process: name, ...fields }: Entry): string {
  const words = Object.entries(fields)
    .filter(([field, value]) => value !== undefined && isShown(field, event))
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

/** A warning's message has its other fields in it. The id of the worker would fill half of the line of each attempt. */
const isShown = (field: string, event: string): boolean =>
  event === 'warning' ? field === 'message' : field !== 'worker' || event === 'recover';

const units: Readonly<Record<string, (value: string) => string>> = {
  tookMs: (value) => `${value} ms`,
  waitedMs: (value) => `waited ${value} ms`,
  delayMs: (value) => `retry in ${value} ms`,
  attempt: (value) => `attempt ${value}`,
  child: (value) => `child ${value}`,
  code: (value) => `exit code ${value}`,
  dueAt: (value) => `due ${new Date(Number(value)).toISOString()}`,
  forMs: (value) => `for ${value} ms`,
};

function wordOf(field: string, value: unknown): string {
  if (field === 'handlers')
    return (value as readonly { name: string; queue: string; concurrency: number }[])
      .map((one) => `${one.name} on ${one.queue} (${one.concurrency})`)
      .join(', ');
  const bare = field === 'error' ? sentence(value as { name: string; message: string }) : String(value);
  // Only the first line: an error message of a handler can have several.
  const text = printable(bare.split('\n')[0]!);
  return (
    units[field]?.(text) ?? (/^(queue|id|reason|error|message|signal|file)$/.test(field) ? text : `${field} ${text}`)
  );
}

const sentence = ({ name, message }: { name: string; message: string }): string => `${name}: ${message}`;

/** The events that are in the log, and their level. */
const logged = {
  ack: 'info',
  retry: 'warn',
  bury: 'error',
  release: 'info',
  lost: 'warn',
  recover: 'warn',
  move: 'info',
  cancel: 'info',
  revive: 'info',
  drop: 'info',
  clear: 'info',
  pause: 'info',
  resume: 'info',
} as const satisfies Partial<Record<keyof QueueEvents, Level>>;

/** Writes to the log what happens in these queues in this process: their events, and what they warn of. */
export function logQueues(queues: Iterable<Pick<QueueContext, 'events' | 'logger'>>, log: Log): void {
  for (const { events, logger } of queues) {
    logEvents(events, log);
    // A logger that the user gave to the queue stays.
    if (logger instanceof DefaultLogger) logger.target = warningsTo(log);
  }
}

/**
 * Writes to the log what all other queues of this process warn of: those without a handler, and those that warn while the files
 * are loaded. Their events have no lines, so the transition that a warning is about is its event.
 *
 * @returns ends it
 */
export function logOtherQueues(log: Log): () => void {
  const before = DefaultLogger.target;
  const warnings = warningsTo(log);
  const write =
    (level: 'warn' | 'error'): Logger['warn'] =>
    (fields, message) => {
      const { event, err, code: _, ...more } = fields; // the error has the code
      if (event === undefined) warnings[level](fields, message);
      else log(event, { ...more, error: wordsOrNone(err) }, (logged as Partial<Record<string, Level>>)[event] ?? level);
    };
  DefaultLogger.target = { ...warnings, warn: write('warn'), error: write('error') };
  return () => void (DefaultLogger.target = before);
}

/** One line for each event, except `put`, `take` and `promote`: another line follows for their messages. */
function logEvents(events: EventEmitter, log: Log): void {
  for (const [verb, level] of Object.entries(logged) as [string, Level][]) {
    events.on(verb, ({ error, ...fields }: EventFields) => {
      log(verb, { ...fields, error: wordsOrNone(error) }, level);
    });
  }
}

/** What the events have in common that are in the log. */
interface EventFields {
  readonly queue: string;
  readonly error?: unknown;
}

/** Writes to the log what the library warns of, unless the event of the same transition has a line. */
function warningsTo(log: Log): Logger {
  const write =
    (level: Level) =>
    ({ event, err, ...fields }: LogFields, message: string): void => {
      if (event === undefined) log('warning', { ...fields, error: wordsOrNone(err), message }, level);
    };
  return { debug: () => {}, info: () => {}, warn: write('warn'), error: write('error') };
}

const wordsOrNone = (error: unknown): object | undefined => (error === undefined ? undefined : wordsOf(error));
