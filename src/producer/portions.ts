import { InvalidPayloadError } from '../core/errors.js';
import { mostMessageBytes } from '../core/sizes.js';

const portionCharacters = 1_048_576;

/** Messages in portions of up to 1 MiB of text, or of one larger message. */
export function portionsOf<E extends { readonly text: string }>(messages: readonly E[]): E[][] {
  const portions: E[][] = [];
  let room = 0;
  for (const message of messages) {
    if (room <= 0) portions.push([]);
    room = (room <= 0 ? portionCharacters : room) - message.text.length;
    portions.at(-1)!.push(message);
  }
  return portions;
}

/** Messages of one call are stored together, so they have a common limit. */
export function tooLarge(): InvalidPayloadError {
  const message = `messages that are stored together may have ${mostMessageBytes} characters: use putAll, or several calls`;
  return new InvalidPayloadError('put', [{ path: '', rule: 'maxBytes', message }]);
}

/** A promise only when one of the values is one. */
export function allOf<E>(values: readonly (E | Promise<E>)[]): readonly E[] | Promise<E[]> {
  return values.some((value) => value instanceof Promise) ? Promise.all(values) : (values as readonly E[]);
}
