import { mostMovedBytes } from '../core/sizes.js';
import type { Keys } from './keys.js';
import { scripts, type ScriptName } from './scripts.js';
import type { ClaimRef, Take } from './take.js';
import type { Counted } from './transitions.js';

const nothingCounted: Counted = { text: '', at: 0 };

/** A script with its arguments: the broker runs it here, or another thread does. */
export interface ScriptCall {
  readonly name: ScriptName;
  readonly keys: readonly string[];
  readonly args: readonly (string | number | Buffer)[];
}

/** A command as plain data, which another thread can send. */
export interface PostedCall {
  readonly command: string;
  readonly args: readonly (string | number | Uint8Array)[];
}

/** With the text of the script: the thread sends it rarely, and the server may not know its hash. */
export function posted({ name, keys, args }: ScriptCall): PostedCall {
  return { command: 'eval', args: [scripts[name].lua, keys.length, ...keys, ...args] };
}

/**
 * beat: see `Registration.beat`. Without takes, and with number 0, it gives nothing back. Without a report, Redis keeps the last one, and
 * without counts it counts nothing.
 */
export function beatCall(
  keys: Keys,
  leaseMs: number,
  worker: string,
  number = 0,
  takes: readonly Pick<Take, 'acknowledgements'>[] = [],
  report = '',
  counted = nothingCounted,
): ScriptCall {
  const { workers, meta, heartbeats, commands } = keys;
  return {
    name: 'beat',
    keys: [keys.claims(worker), workers, meta, ...keys.waiting, heartbeats, commands, ...keys.metrics(counted.at)],
    args: [worker, leaseMs, number, report, counted.text, ...takes.flatMap((take) => take.acknowledgements)],
  };
}

/** release: see `Broker.release`. Several calls if the messages are large; at least one. */
export function releaseCalls(keys: Keys, worker: string, places: readonly ClaimRef[]): ScriptCall[] {
  const newestFirst = [...places].sort((one, other) => other.take.number - one.take.number || other.index - one.index);
  const calls: (string | number | Buffer)[][] = [[worker]];
  let bytes = 0;
  for (const { take, index } of newestFirst) {
    const message = take.message(index);
    if (bytes >= mostMovedBytes) {
      calls.push([worker]);
      bytes = 0;
    }
    calls.at(-1)!.push(take.number, index, take.lane(index), message);
    bytes += message.length;
  }
  return calls.map((args) => ({ name: 'release', keys: claimKeys(keys, worker), args }));
}

/**
 * give-back: returns the messages of a worker that have not begun to the head of the queue. The lease thread sends it.
 *
 * @param begun number of a take, and index of its message that began last
 * @param newest number of the newest take that goes back
 */
export function giveBackCall(
  keys: Keys,
  worker: string,
  begun?: { readonly number: number; readonly index: number },
  newest?: number,
): ScriptCall {
  const range = begun && newest !== undefined ? [begun.number, begun.index, newest] : [];
  return { name: 'give-back', keys: claimKeys(keys, worker), args: [worker, ...range] };
}

/** leave: see `Registration.leave`. */
export function leaveCall(
  keys: Keys,
  leaseMs: number,
  worker: string,
  report = '',
  counted = nothingCounted,
): ScriptCall {
  return {
    name: 'leave',
    keys: [...claimKeys(keys, worker), ...registrationKeys(keys), keys.left, ...keys.metrics(counted.at)],
    args: [worker, report, leaseMs, counted.text],
  };
}

/** KEYS with which a script gives messages of a worker back. */
export function claimKeys(keys: Keys, worker: string): readonly string[] {
  return [keys.claims(worker), keys.workers, ...keys.waiting];
}

export function registrationKeys({ registry, meta, heartbeats, commands, earlier }: Keys): readonly string[] {
  return [registry, meta, heartbeats, commands, earlier.registry];
}
