import { inspect } from 'node:util';
import { HotQueue, type WorkerView } from 'hotqueue';
import { harmless } from '../cli/output.js';
import type { Here, Sight } from './step.js';

/** `1 message`, `3 messages`. */
export const messages = (n: number): string => (n === 1 ? '1 message' : `${n} messages`);

/** The first few payloads, as one types them. */
export const quoted = (payloads: readonly unknown[]): string => payloads.map((payload) => harmless(inspect(payload, { breakLength: Infinity }))).join(', ');

/** Who takes from a queue, but for this process. */
export function others({ workers }: Sight, here: Here): readonly WorkerView[] {
  return workers.filter(({ pid, host }) => pid !== here.pid || host !== here.host);
}

/** Workers of this process. */
export const own = ({ workers }: Sight, here: Here): readonly WorkerView[] => workers.filter(({ pid, host }) => pid === here.pid && host === here.host);

/** Jobs of a queue among what the lines gave. */
export function jobsOf(queue: string, { lines }: Here): readonly { readonly payload: unknown }[] {
  return lines.flatMap(({ value }) => (Array.isArray(value) ? (value as unknown[]) : [value])).filter((value): value is { payload: unknown; queue: string } => isJob(value) && value.queue === queue);
}

const isJob = (value: unknown): value is { queue: unknown; payload: unknown } => typeof value === 'object' && value !== null && !(value instanceof HotQueue) && 'queue' in value && 'payload' in value;

/** Whether a line gave this value. */
export const gave = (value: unknown, { lines }: Here): boolean => lines.some((line) => Object.is(line.value, value));

/** Somebody else's message is in nobody's way; a consumer that is there already is. */
export function takenAlready(now: Sight, here: Here): string | undefined {
  if (own(now, here).length > 0) return 'this terminal takes from the queue itself: Ctrl-C stops that';
  const [other] = others(now, here);
  return other && `process ${other.pid} takes from the queue already: Ctrl-C over there stops that`;
}
