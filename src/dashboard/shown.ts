import type { ErrorRecord } from 'hotqueue';
import { JsonText } from '../cli/json-text.js';
import type { ErrorView, ShownText } from './api.js';

/** Most characters of a payload in a list, and on the page of a job. */
export const shortText = 240;
export const longText = 65_536;

const mask = '[redacted]';

/** Makes texts of payloads, results and progress. It hides the fields that `redact` names. */
export class Texts {
  readonly #redact: readonly (readonly string[])[];

  constructor(redact: readonly string[]) {
    this.#redact = redact.map((path) => path.split('.'));
  }

  /** Whether any field is hidden. Then texts must be read as a whole. */
  get areRedacted(): boolean {
    return this.#redact.length > 0;
  }

  /**
   * A stored text, or its beginning.
   *
   * @param size bytes of the whole text, if `text` may be only its beginning
   */
  of(text: string, most: number, size = Buffer.byteLength(text)): ShownText {
    const isWhole = Buffer.byteLength(text) >= size;
    if (this.areRedacted) return this.#redacted(isWhole ? text : undefined, most, size);
    return { text: text.slice(0, most), size, isCut: !isWhole || text.length > most, hidden: null };
  }

  /** A value, as JSON. `null` if it is absent. */
  ofValue(value: unknown, most: number): ShownText | null {
    if (value === undefined) return null;
    return this.of(value instanceof JsonText ? value.text : JSON.stringify(value), most);
  }

  /** The whole text with its hidden fields; `undefined` if they cannot be found in it. */
  whole(text: string): string | undefined {
    if (!this.areRedacted) return text;
    try {
      return JSON.stringify(this.#without(JSON.parse(text), []));
    } catch {
      return undefined;
    }
  }

  #redacted(text: string | undefined, most: number, size: number): ShownText {
    const shown = text === undefined ? undefined : this.whole(text);
    const why =
      text === undefined ? 'too large to hide fields in it here' : 'not JSON, so fields in it cannot be hidden';
    if (shown === undefined) return { text: '', size, isCut: true, hidden: why };
    return { text: shown.slice(0, most), size, isCut: shown.length > most, hidden: null };
  }

  #without(value: unknown, path: readonly string[]): unknown {
    if (this.#redact.some((hidden) => endsWith(path, hidden))) return mask;
    if (Array.isArray(value)) return value.map((one) => this.#without(one, path)); // an index is no part of a path
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, this.#without(one, [...path, name])]));
  }
}

const endsWith = (path: readonly string[], end: readonly string[]): boolean =>
  end.length <= path.length && end.every((name, index) => name === path[path.length - end.length + index]);

/** An error with its causes, every field present. */
export function errorView({ name, message, code, stack, violations = [], cause, errors = [] }: ErrorRecord): ErrorView {
  return {
    ...{ name, message, stack: stack ?? null, code: code === undefined ? null : String(code) },
    violations: violations.map((violation) => ({ path: violation.path, message: violation.message })),
    cause: cause ? errorView(cause) : null,
    errors: errors.map(errorView),
  };
}

/** One line for an error: its name and its message. */
export const errorLine = ({ name, message }: { readonly name: string; readonly message: string }): string =>
  message === '' ? name : `${name}: ${message}`;
