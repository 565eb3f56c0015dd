import { inspect } from 'node:util';
import { InvalidOptionError } from '../core/errors.js';
import { isPlain } from '../payload/json.js';
import { putOptionNames } from '../core/options/put.js';

/**
 * Refuses `put(message, { delay: '10s' })`. Other queues have options in this place; here they would be stored as a second
 * message, without a delay and without an error.
 *
 * Messages that all have the same keys, such as `put({ id: 1 }, { id: 2 })`, are messages.
 *
 * @throws InvalidOptionError if the last of several messages has only names of put options
 */
export function refuseOptionsAsMessage(messages: readonly unknown[]): void {
  const last = messages.at(-1);
  const names = messages.length > 1 ? keysOf(last) : [];
  const [option] = names;
  if (option === undefined || !names.every((name) => putOptionNames.has(name))) return;
  if (messages.every((message) => String(keysOf(message).sort()) === String(names.sort()))) return;
  const shown = inspect(last, { breakLength: Infinity, depth: 1, maxStringLength: 64 });
  throw new InvalidOptionError(
    option,
    `invalid last message ${shown}: it has only put options, and put() stores every argument as a message. ` +
      `Write queue.with(${shown}).put(message), or putAll([…]) if it is a message`,
  );
}

function keysOf(value: unknown): string[] {
  return typeof value === 'object' && value !== null && isPlain(value) ? Object.keys(value) : [];
}
