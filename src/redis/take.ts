import { freshHeader, freshLength } from '../wire/envelope.js';
import { madeAt } from '../wire/id.js';
import type { Lane } from '../wire/lane.js';
import type { QueueHints } from './transitions.js';

export type { Lane } from '../wire/lane.js';

export interface TakeReply {
  readonly status: 'served' | 'paused';
  /** Absent if no message is waiting. */
  readonly take?: Take;
  /** Whether the next message is too large for a worker: `bury-large` must bury it. */
  readonly isTooLarge?: true;
  /** Whether its jobs are running, and no job of the queue must be checked: handlers may begin. Absent if `begin` must be called first. */
  readonly isReady?: true;
  readonly hints: QueueHints;
}

/** Reads the reply of `take.lua` or of `take-tracked`. */
export function takeReply(worker: string, number: number, reply: unknown): TakeReply | 'lost' {
  type Reply = [
    ...numbers: [number, number, number],
    lease: Buffer,
    isWatched: number,
    now: number,
    ...taken: Buffer[],
  ];
  const [status, dueMs, endsInMs, first, isWatched, now, ...taken] = reply as Reply;
  const [packed, acked, effects, ready] = taken;
  if (status < 0) return 'lost';
  const hints = {
    lease: { worker: first.toString(), endsInMs },
    isWatched: isWatched === 1,
    ...(dueMs >= 0 && { nextDueMs: dueMs }),
  };
  if (status === 2) return { status: 'served', hints, isTooLarge: true };
  const take = packed && new Take(worker, number, packed, acked?.toString(), effects?.toString(), now);
  return { status: status === 1 ? 'paused' : 'served', hints, ...(take && { take }), ...(ready && { isReady: true }) };
}

/** One message of a take. */
export interface ClaimRef {
  readonly take: Pick<Take, 'number' | 'lane' | 'message'>;
  readonly index: number;
}

/**
 * The messages of one take, as Redis keeps them, and which of them are settled.
 *
 * The bytes are a msgpack array of texts (https://github.com/msgpack/msgpack/blob/master/spec.md). The first text has one
 * lane letter for each message. The other texts are the messages, with indexes from 1.
 */
export class Take {
  readonly lanes: string;
  /** How many messages the take has, settled ones included. */
  readonly size: number;
  /** Whether the first message is quarantined: one more crash buries it. */
  readonly hasQuarantined: boolean;
  /** Whether every message is settled. */
  isOver = false;
  /**
   * If the messages are ASCII: the bytes as one text, as slicing it is cheaper than decoding each message. Otherwise the bytes.
   * Never both: a worker that drains a queue would hold each message twice.
   */
  readonly #content: string | Buffer;
  /** Start and end of each text: two numbers for each, the text of lanes first. */
  readonly #edges: Uint32Array;
  /** When the client got the reply, monotonic ms. */
  readonly receivedAt = performance.now();
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
   * @param takenAt time of the queue when Redis answered the take, Unix ms
   */
  constructor(
    readonly worker: string,
    readonly number: number,
    bytes: Buffer,
    acked = '',
    effects = '',
    readonly takenAt = 0,
  ) {
    const ascii = bytes.toString('latin1');
    this.size = lengthOf(bytes) - 1;
    this.#edges = new Uint32Array(2 * this.size + 2);
    const highBytes = this.#index(bytes);
    this.lanes = ascii.slice(this.#edges[0], this.#edges[1]);
    this.hasQuarantined = this.lanes.startsWith('s');
    // In UTF-8, a character from 0x80 to 0xff takes two bytes. So the difference is the number of bytes that are not ASCII.
    this.#content = Buffer.byteLength(ascii) - ascii.length === highBytes ? ascii : bytes;
    this.#states = new Uint8Array(this.size + 1);
    if (acked !== '') for (const index of indexesIn(acked)) this.ack(index);
    if (effects !== '') for (const index of indexesIn(effects)) this.confirm(index);
  }

  lane(index: number): Lane {
    return this.lanes[index - 1] as Lane;
  }

  /** A message as it is in Redis. */
  message(index: number): Buffer {
    const content = this.#content;
    const start = this.#edges[2 * index]!;
    const end = this.#edges[2 * index + 1]!;
    return typeof content === 'string'
      ? Buffer.from(content.slice(start, end), 'latin1')
      : content.subarray(start, end);
  }

  /** The text of a message from its byte `from` on. */
  text(index: number, from = 0): string {
    const content = this.#content;
    const start = this.#edges[2 * index]! + from;
    const end = this.#edges[2 * index + 1]!;
    return typeof content === 'string' ? content.slice(start, end) : content.toString('utf8', start, end);
  }

  /** Whether the message begins with the header that this library writes before the first attempt: `#<36 characters> 0 0\n`. */
  isFresh(index: number): boolean {
    const content = this.#content;
    const start = this.#edges[2 * index]!;
    const end = this.#edges[2 * index + 1]!;
    if (end - start < freshLength) return false;
    freshHeader.lastIndex = typeof content === 'string' ? start : 0;
    return freshHeader.test(
      typeof content === 'string' ? content : content.toString('latin1', start, start + freshLength),
    );
  }

  isSettled(index: number): boolean {
    return this.#states[index] !== held;
  }

  /** Marks a message as acknowledged. */
  ack(index: number): void {
    if (this.#states[index] !== held) return;
    this.#states[index] = acknowledged;
    this.#acked += 1;
    this.isOver = this.#acked + this.#effects === this.size;
  }

  /** Marks a message as settled with an effect that Redis confirmed. */
  confirm(index: number): void {
    if (this.#states[index] !== held) return;
    this.#states[index] = effect;
    this.#effects += 1;
    this.isOver = this.#acked + this.#effects === this.size;
  }

  /** The time of the queue at an instant of the monotonic clock, Unix ms. */
  queueTimeAt(monotonicMs: number): number {
    return this.takenAt + monotonicMs - this.receivedAt;
  }

  /** When a fresh message was put, as its id says, Unix ms; `undefined` if its id is of another form. */
  madeAt(index: number): number | undefined {
    const content = this.#content;
    return typeof content === 'string' ? madeAt(content, this.#edges[2 * index]! + 1) : madeAt(this.text(index, 1));
  }

  /** Arguments of `ack.lua` for this take. */
  get settlement(): string[] {
    if (!this.isOver) return this.acknowledgements;
    return [String(this.number), 'over', this.#effects === 0 ? '' : this.#indexesWith(effect)];
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
  #index(bytes: Buffer): number {
    let at = bytes[0] === 0xdd ? 5 : bytes[0] === 0xdc ? 3 : 1;
    let high = 0;
    for (let head = 0; head < at; head++) high += bytes[head]! >> 7;
    for (let edge = 0; edge < this.#edges.length; edge += 2) {
      const kind = bytes[at]!;
      const lengthBytes = kind === 0xd9 ? 1 : kind === 0xda ? 2 : kind === 0xdb ? 4 : 0;
      const start = at + 1 + lengthBytes;
      for (let head = at; head < start; head++) high += bytes[head]! >> 7;
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

function indexesIn(text: string): number[] {
  return text.split(',').flatMap((run) => {
    const [first, last = first] = run.split('-').map(Number) as [number, number?];
    return Array.from({ length: last - first + 1 }, (_, step) => first + step);
  });
}
