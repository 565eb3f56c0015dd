import { existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { Delivery, DeliveryEvent, HotQueue, LogFields, WorkerFunction } from '../../src/index.js';
import { type History, type Load, sumOf } from './history.js';

/** Message of an error that is no fault of the library. */
export const askedForError = 'the message asked for an error that nothing handles';

/**
 * A worker that does what `does` of each message asks, and writes every step to the history: `ok`, `fail:2` (the first two
 * attempts throw), `bury`, `later:500` (one retry, after 500 ms), `ack` (the handler acknowledges), `release:2` (released
 * twice), `die` (kills its process with SIGKILL), `die:/file` (the same, once that file exists), `hold:/file` (ends once that
 * file exists), `stall` (blocks the event loop for `ms`), `stall:/file` (blocks it until that file exists), `float` (an error ends the process when the message is done).
 */
export function scribe(
  queue: HotQueue<Load>,
  history: History,
  options: { concurrency?: number; attempts?: number; backoff?: number },
  next?: HotQueue<Load>,
): WorkerFunction<Load> {
  const released = new Map<string, number>();
  const handle = async (load: Load, job: Delivery<Load>): Promise<string | undefined> => {
    const mark = { key: load.key, id: job.id, attempt: job.attempt };
    history.write('start', { ...mark, sum: sumOf(load) });
    job.signal.addEventListener('abort', () => history.write('aborted', { ...mark, text: String(job.signal.reason) }));
    const [verb, argument] = (load.does ?? 'ok').split(':') as [string, string?];
    if ((verb === 'hold' || verb === 'die') && argument !== undefined) await untilThere(argument, job.signal);
    if (verb === 'die') process.kill(process.pid, 'SIGKILL');
    if (verb === 'stall') history.write('fault', { kind: 'stall', target: history.proc });
    if (verb === 'stall' && argument !== undefined) while (!existsSync(argument));
    else if (verb === 'stall') for (const until = performance.now() + load.ms; performance.now() < until;);
    else if (load.ms > 0) await pause(load.ms);
    if (verb === 'stall') await pause(20); // so that the timers of the worker run before the handler ends
    if (verb === 'fail' && job.attempt <= Number(argument)) {
      history.write('gives', { ...mark, kind: 'retry' });
      throw new Error('the message asked for a failure');
    }
    if (verb === 'release' && (released.get(load.key) ?? 0) < Number(argument)) {
      released.set(load.key, (released.get(load.key) ?? 0) + 1);
      history.write('gives', { ...mark, kind: 'release' });
      await job.release();
      return undefined;
    }
    if (verb === 'later' && job.attempt === 1) {
      history.write('gives', { ...mark, kind: 'retry' });
      history.write('due', { key: load.key, due: Date.now() + Number(argument), attempt: job.attempt });
      await job.retry({ delay: Number(argument) });
      return undefined;
    }
    history.write('end', mark);
    if (verb === 'float') setTimeout(() => void Promise.reject(new Error(askedForError)), 50);
    if (verb === 'bury') await job.bury('the message asked for it');
    if (verb === 'ack') history.write('acks', mark); // then what it returns is no result
    if (verb === 'ack') await job.ack();
    if (next) await job.next(next, { key: `next-${load.key}`, ms: 0 });
    return sumOf(load);
  };
  return queue.worker(handle, options);
}

/** Waits until a file exists. Once the message is given back, it never resolves, and does not keep the process alive. */
async function untilThere(file: string, signal: AbortSignal): Promise<void> {
  while (!existsSync(file)) {
    if (signal.aborted) return new Promise(() => undefined);
    await pause(20);
  }
}

/** Writes the settlement events of the queue to the history. */
export function listen(queue: HotQueue<Load>, history: History): void {
  for (const verb of ['ack', 'retry', 'bury', 'release', 'lost'] as const) {
    queue.events.on(verb, ({ id, attempt }: DeliveryEvent) => history.write(verb, { id, attempt }));
  }
}

export function loggerInto(history: History) {
  const write = (_fields: LogFields, text: string): void => history.write('warn', { text });
  return { debug: () => {}, info: () => {}, warn: write, error: write };
}
