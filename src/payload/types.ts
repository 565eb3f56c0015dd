/**
 * A class for payloads, with class-validator rules. Workers create its instances, so its constructor must work without
 * arguments.
 *
 * @example
 * class SendEmail { @IsEmail() to!: string; }
 * const payload: PayloadClass<SendEmail> = SendEmail;
 */
export type PayloadClass<T> = new () => T;

/**
 * The data of `T`: its properties without methods, at all levels. An instance of `T` fits, and a plain object with the same
 * data.
 *
 * @example
 * const email: Plain<SendEmail> = { to: 'ada@example.com' };
 */
export type Plain<T> = unknown extends T
  ? T
  : T extends string | number | boolean | null | undefined | Date
    ? T
    : T extends readonly (infer E)[]
      ? readonly Plain<E>[]
      : { [K in keyof T as T[K] extends ((...args: never[]) => unknown) | undefined ? never : K]: Plain<T[K]> };

/**
 * Type of the messages that can be put on a queue of `T`. On an untyped queue: any value except `undefined`.
 *
 * @example
 * const email: PutInput<SendEmail> = { to: 'ada@example.com' };
 * await emails.put(email);
 */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- `{}` is every value except null and undefined
export type PutInput<T> = unknown extends T ? {} | null : Plain<T>;

/** A valid payload in both forms. */
export interface Encoded<T> {
  /** The text that Redis stores. */
  readonly text: string;
  /** The payload that the handler will get. */
  readonly payload: T;
}

/** Encodes, decodes and validates the payloads of a queue. */
export interface PayloadType<T = unknown> {
  /** Name for messages to people: `ResizeImage`, `zod schema`, `JSON value`. */
  readonly name: string;
  /** The class or schema; `undefined` for any value. Two workers of one queue must have the same one. */
  readonly source: unknown;
  /** Groups of the validation, for rules and nested classes. Absent: none. */
  readonly groups?: readonly string[];
  /**
   * Validates a message and returns its text. Returns a promise only if the rules are asynchronous. `decode` accepts every
   * text that `encode` returns.
   *
   * @throws InvalidPayloadError if a rule is broken
   * @throws NotSerializableError if the message would not come back unchanged
   */
  encode(value: unknown): Encoded<T> | Promise<Encoded<T>>;
  /**
   * The payload in a text, which may come from any program. Returns a promise only if the rules are asynchronous.
   *
   * @throws InvalidPayloadError for every invalid text. It throws no other error
   */
  decode(text: string): T | Promise<T>;
  /** The classes of the payload that are not compiled, so that their validation takes longer. */
  notCompiled?(): readonly NotCompiled[];
}

/** A class that is not compiled, or only in part, and why. */
export interface NotCompiled {
  readonly name: string;
  readonly reason: string;
}

/** The part of JSON Schema that describes the payloads of a queue, see https://json-schema.org. A schema of a library may have more. */
export interface JsonSchema {
  readonly type?: 'object' | 'array' | 'string' | 'number' | 'integer' | 'boolean' | 'null';
  readonly title?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly pattern?: string;
  readonly format?: string;
}
