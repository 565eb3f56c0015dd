/** A class whose instances are payloads. The library makes them itself, so the constructor needs no arguments. */
export type PayloadClass<T> = new () => T;

/** The data of `T`: its own shape without methods, all the way down. Every `T` is one; so is a plain object. */
export type Plain<T> = unknown extends T
  ? T
  : T extends string | number | boolean | null | undefined | Date
    ? T
    : T extends readonly (infer E)[]
      ? readonly Plain<E>[]
      : { [K in keyof T as T[K] extends ((...args: never[]) => unknown) | undefined ? never : K]: Plain<T[K]> };

/** What may be put on a queue of `T`; on an untyped one, anything but `undefined`. */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- `{}` is every value there is but null and undefined
export type Message<T> = unknown extends T ? {} | null : Plain<T>;

/** A payload that was checked, in both its forms. */
export interface Encoded<T> {
  /** What is stored. */
  readonly text: string;
  /** What whoever takes the message will get. */
  readonly payload: T;
}

/** What a queue knows about its payloads. */
export interface PayloadType<T = unknown> {
  /** For sentences: `ResizeImage`, `zod schema`, `JSON value`. */
  readonly name: string;
  /** The class or schema; `undefined` takes anything. Two workers agree on a queue when theirs are identical. */
  readonly source: unknown;
  /**
   * Checks a message and gives its text; a promise only when the rules are asynchronous. What it accepts, `decode`
   * accepts.
   *
   * @throws InvalidPayloadError when a rule is broken
   * @throws NotSerializableError when the message would come out different from what went in
   */
  encode(value: unknown): Encoded<T> | Promise<Encoded<T>>;
  /**
   * The payload in a text from anywhere; a promise only when the rules are asynchronous.
   *
   * @throws InvalidPayloadError and nothing else, whatever the text is
   */
  decode(text: string): T | Promise<T>;
}
