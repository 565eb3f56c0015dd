import { hasFreshHeader } from '../wire/envelope.js';
import type { Lane } from '../wire/lane.js';

export type { Lane } from '../wire/lane.js';

/**
 * The messages of one take, in the bytes in which Redis keeps them, and which of them are settled.
 *
 * The bytes are a msgpack array of texts (https://github.com/msgpack/msgpack/blob/master/spec.md). The first text has one
 * lane letter for each message. The other texts are the messages, with indexes from 1.
 */
export class Take {
  readonly lanes: string;
  /** Monotonic ms. */
  readonly receivedAt = performance.now();
  /** How many messages the take has, settled ones included. */
  readonly size: number;
  /** All bytes as one text, if the messages are ASCII. Slicing it is cheaper than decoding each message. */
  readonly #ascii: string | undefined;
  /** Start and end of each text: two numbers for each, the text of lanes first. */
  readonly #edges: Uint32Array;
  /** By index: held, acknowledged or effect. */
  readonly #states: Uint8Array;
  #acked = 0;
  /** How many messages are settled with an effect that Redis confirmed. */
  #effects = 0;

  /**
   * @param worker that took it
   * @param number of the take
   * @param acked indexes that are acknowledged already, such as `1-40,45`; given if Redis sent the take again
   * @param effects indexes that are settled with an effect already, such as `2,7`
   */
  constructor(
    readonly worker: string,
    readonly number: number,
    private readonly bytes: Buffer,
    acked = '',
    effects = '',
  ) {
    const ascii = bytes.toString('latin1');
    this.size = lengthOf(bytes) - 1;
    this.#edges = new Uint32Array(2 * this.size + 2);
    const highBytes = this.#index();
    this.lanes = ascii.slice(this.#edges[0], this.#edges[1]);
    // In UTF-8, a character from 0x80 to 0xff takes two bytes. So the difference is the number of bytes that are not ASCII.
    this.#ascii = Buffer.byteLength(ascii) - ascii.length === highBytes ? ascii : undefined;
    this.#states = new Uint8Array(this.size + 1);
    for (const index of indexesIn(acked)) this.ack(index);
    for (const index of indexesIn(effects)) this.confirm(index);
  }

  lane(index: number): Lane {
    return this.lanes[index - 1] as Lane;
  }

  /** Whether the first message is quarantined: one more crash buries it. */
  get hasQuarantined(): boolean {
    return this.lanes.charCodeAt(0) === 0x73; // s
  }

  /** A message as it is in Redis. */
  message(index: number): Buffer {
    return this.bytes.subarray(this.#edges[2 * index], this.#edges[2 * index + 1]);
  }

  /** The text of a message from its byte `from` on. */
  text(index: number, from = 0): string {
    const start = this.#edges[2 * index]! + from;
    const end = this.#edges[2 * index + 1]!;
    return this.#ascii === undefined ? this.bytes.toString('utf8', start, end) : this.#ascii.slice(start, end);
  }

  /** Whether the message begins with the header that this library writes before the first attempt: `#<36 characters> 0 0\n`. */
  isFresh(index: number): boolean {
    return hasFreshHeader(this.bytes, this.#edges[2 * index]!, this.#edges[2 * index + 1]!);
  }

  isSettled(index: number): boolean {
    return this.#states[index] !== held;
  }

  /** Marks a message as acknowledged. */
  ack(index: number): void {
    if (this.#states[index] !== held) return;
    this.#states[index] = acknowledged;
    this.#acked += 1;
  }

  /** Marks a message as settled with an effect that Redis confirmed. */
  confirm(index: number): void {
    if (this.#states[index] !== held) return;
    this.#states[index] = effect;
    this.#effects += 1;
  }

  /** Whether every message is settled. */
  get isOver(): boolean {
    return this.#acked + this.#effects === this.size;
  }

  /** Arguments of `ack.lua` for this take. */
  get settlement(): string[] {
    return this.isOver ? [String(this.number), 'over', this.#indexesWith(effect)] : this.acknowledgements;
  }

  /** Arguments of `beat.lua` for this take: its number, how many messages are acknowledged, of how many, and which. */
  get acknowledgements(): string[] {
    return [
      String(this.number),
      String(this.#acked),
      String(this.size),
      this.#acked === 0 ? '' : this.#indexesWith(acknowledged),
    ];
  }

  /** {@link acknowledgements} that only say that the worker holds the take, and acknowledge nothing. */
  get noAcknowledgements(): string[] {
    return [String(this.number), '0', String(this.size), ''];
  }

  /** Finds the start and end of each text. @returns how many header bytes between the texts are 0x80 or more */
  #index(): number {
    const { bytes } = this;
    let at = bytes[0] === 0xdd ? 5 : bytes[0] === 0xdc ? 3 : 1;
    let high = highBytesIn(bytes, 0, at);
    for (let edge = 0; edge < this.#edges.length; edge += 2) {
      const kind = bytes[at]!;
      const lengthBytes = kind === 0xd9 ? 1 : kind === 0xda ? 2 : kind === 0xdb ? 4 : 0;
      const start = at + 1 + lengthBytes;
      high += highBytesIn(bytes, at, start);
      const end = start + (lengthBytes === 0 ? kind & 0x1f : bytes.readUIntBE(at + 1, lengthBytes));
      this.#edges[edge] = start;
      this.#edges[edge + 1] = end;
      at = end;
    }
    return high;
  }

  /** Indexes in one state, such as `1-40,45`. Indexes with an effect are listed one by one, because they are rare. */
  #indexesWith(state: number): string {
    const states = this.#states;
    let text = '';
    for (let index = 1; index <= this.size; index++) {
      if (states[index] !== state) continue;
      const first = index;
      if (state === acknowledged) while (states[index + 1] === state) index += 1;
      text += `${text === '' ? '' : ','}${first}${index === first ? '' : `-${index}`}`;
    }
    return text;
  }
}

/** States of a message. */
const held = 0;
const acknowledged = 1;
/** Settled with an effect: retried, buried or released. */
const effect = 2;

/** How many texts a msgpack array has. */
function lengthOf(bytes: Buffer): number {
  if (bytes[0] === 0xdd) return bytes.readUInt32BE(1);
  return bytes[0] === 0xdc ? bytes.readUInt16BE(1) : bytes[0]! & 0x0f;
}

function highBytesIn(bytes: Buffer, from: number, to: number): number {
  let high = 0;
  for (let at = from; at < to; at++) if (bytes[at]! >= 0x80) high += 1;
  return high;
}

function indexesIn(text: string): number[] {
  if (text === '') return [];
  return text.split(',').flatMap((run) => {
    const [first, last = first] = run.split('-').map(Number) as [number, number?];
    return Array.from({ length: last - first + 1 }, (_, step) => first + step);
  });
}
