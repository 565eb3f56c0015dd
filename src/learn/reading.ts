import { inspect } from 'node:util';
import { HotQueue, type WorkerInfo } from 'hotqueue';
import type { Here, QueueState } from './step.js';
import { printable } from '../cli/output.js';

/** `1 message`, `3 messages`. */
export const messages = (n: number): string => (n === 1 ? '1 message' : `${n} messages`);

/** The payloads as JavaScript literals. */
export const quoted = (payloads: readonly unknown[]): string =>
  payloads.map((payload) => printable(inspect(payload, { breakLength: Infinity }))).join(', ');

/** Workers of a queue in other processes. */
export function others({ workers }: QueueState, here: Here): readonly WorkerInfo[] {
  return workers.filter(({ pid, host }) => pid !== here.pid || host !== here.host);
}

/** Workers of this process. */
export const own = ({ workers }: QueueState, here: Here): readonly WorkerInfo[] =>
  workers.filter(({ pid, host }) => pid === here.pid && host === here.host);

/** Jobs of this queue among the values of the typed lines. */
export function jobsOf(queue: string, { lines }: Here): readonly { readonly payload: unknown }[] {
  return lines
    .flatMap(({ value }) => (Array.isArray(value) ? (value as unknown[]) : [value]))
    .filter((value): value is { payload: unknown; queue: string } => isJob(value) && value.queue === queue);
}

const isJob = (value: unknown): value is { queue: unknown; payload: unknown } =>
  typeof value === 'object' && value !== null && !(value instanceof HotQueue) && 'queue' in value && 'payload' in value;

/** Whether the value of a typed line is this one. */
export const gave = (value: unknown, { lines }: Here): boolean => lines.some((line) => Object.is(line.value, value));

/** Why a put cannot be checked: a consumer takes the messages before the lesson can count them. `undefined` if there is none. */
export function takenAlready(now: QueueState, here: Here): string | undefined {
  if (own(now, here).length > 0) return 'this terminal consumes from the queue: press Ctrl-C to stop it';
  const [other] = others(now, here);
  return other && `process ${other.pid} consumes from the queue already: press Ctrl-C there to stop it`;
}
