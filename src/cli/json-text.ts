import type { Serializer } from 'hotqueue';
import { codecOf } from '../payload/codec.js';
import { printable } from './output.js';

/**
 * A payload as JSON text.
 *
 * The command line passes payloads on as text. A value would lose what JavaScript does not have: digits of large numbers,
 * `1.0`, the order of keys such as `"1"`, repeated keys.
 */
export class JsonText {
  constructor(readonly text: string) {}

  /**
   * The text on one line, safe to print on a terminal. It means the same value: JSON has no line breaks and tabs inside of
   * strings, and the other characters of {@link printable} only there.
   */
  get line(): string {
    return printable(withoutBreaks(this.text), 'json');
  }
}

const codec = codecOf({}, false);

/** The payload in a text. @throws SyntaxError if it is not JSON; `put` refuses JSON that a worker would bury */
export function jsonText(text: string): JsonText {
  JSON.parse(text);
  return new JsonText(withoutBreaks(text.trim()));
}

/** The serializer of queues whose payloads are {@link JsonText}. It refuses what the default serializer refuses. */
export const jsonTextSerializer: Serializer = {
  stringify: (value) => (value as JsonText).text,
  parse: (text) => {
    codec.read(text, 'JSON value');
    return new JsonText(text);
  },
};

/** Removes line breaks, with the indentation after them, and tabs. In JSON they only stand between values. */
const withoutBreaks = (text: string): string => text.replace(/[\r\n\t]+ */g, '');
