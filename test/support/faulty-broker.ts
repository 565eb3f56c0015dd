import { EventEmitter } from 'node:events';
import { silent } from '../../src/core/logger.js';
import { defaultTracking } from '../../src/core/options/track.js';
import { payloadType } from '../../src/payload/payload-type.js';
import { processId } from '../../src/redis/process-id.js';
import type { Broker } from '../../src/redis/broker.js';
import type { QueueContext } from '../../src/redis/queue-context.js';
import type { ClaimRef, Take } from '../../src/redis/take.js';
import type { WakeupWait } from '../../src/redis/wakeup.js';

/** What happens to one call. `send` calls the real broker, and may be called later, twice, or not at all. */
export type Fault = (send: () => Promise<unknown>) => Promise<unknown>;

/** The error that a call gets when its connection breaks. */
export const away = new Error('Connection is closed.');

/** Redis never receives the call. */
export const lostCall: Fault = () => Promise.reject(away);
/** Redis executes the call, and the reply is lost. */
export const lostReply: Fault = (send) => send().then(() => Promise.reject(away));
/** The reply arrives only when `until` resolves. */
export const lateReply =
  (until: Promise<unknown>): Fault =>
  async (send) => {
    const reply = await send();
    await until;
    return reply;
  };
/** Redis receives the call only when `until` resolves. */
export const lateCall =
  (until: Promise<unknown>): Fault =>
  async (send) => {
    await until;
    return send();
  };

type Verb = {
  [V in keyof Broker]: Broker[V] extends (...args: never[]) => Promise<unknown> ? V : never;
}[keyof Broker];

const placeOf = ({ take, index }: ClaimRef): string => `${take.number}.${index}`;
const beatOf = ({ acknowledgements: [number, count, size] }: Pick<Take, 'acknowledgements'>): string =>
  `${number}: ${count} of ${size}`;

/** One call of the broker. */
export interface BrokerCall {
  readonly verb: Verb;
  readonly args: readonly unknown[];
  /** Verb and arguments as they were at the call, such as `ack w1 1 over`. Workers are numbered in the order of their joins. */
  readonly words: string;
}

/**
 * A real broker on a real Redis. A test sees its calls, and can lose, delay or repeat them and their replies. Without a fault,
 * every call passes unchanged.
 */
export class FaultyBroker {
  /** Its calls, in the order in which they began. */
  readonly calls: BrokerCall[] = [];
  /** How many wake-up waits are in flight. */
  waits = 0;
  /** Number of replies so far, by verb. */
  readonly replies = new Map<string, number>();
  readonly broker: Broker;
  readonly #faults = new Map<Verb, Fault[]>();
  readonly #workers: string[] = [];
  #returned = 0;

  constructor(readonly real: Broker) {
    this.broker = new Proxy(real, {
      get: (target, name) => {
        const member = Reflect.get(target, name, target) as unknown;
        if (typeof member !== 'function') return member;
        if (name === 'wakeup') return () => this.#watched(target.wakeup());
        return (...args: unknown[]) =>
          this.#call(name as Verb, args, () => member.apply(target, args) as Promise<unknown>);
      },
    });
  }

  /** Lets these faults happen to the next calls of a verb, one for each call. */
  next(verb: Verb, ...faults: Fault[]): void {
    this.#faults.set(verb, [...(this.#faults.get(verb) ?? []), ...faults]);
  }

  /** The words of the calls since this was last asked. Announcements are left out. */
  get newCalls(): string[] {
    const all = this.calls.filter(({ verb }) => verb !== 'announce');
    const calls = all.slice(this.#returned);
    this.#returned = all.length;
    return calls.map(({ words }) => words);
  }

  /** A queue context on this broker. No maintenance runs: only the test sends heartbeats. */
  context(): QueueContext {
    return {
      name: 'q',
      broker: this.broker,
      payload: payloadType(undefined),
      payloadSettings: {},
      retryDefaults: {},
      results: { type: payloadType(undefined), tracking: defaultTracking },
      declareSchedule: () => Promise.resolve(),
      makeJob: (fields) => fields,
      wire: 'hotqueue',
      events: new EventEmitter(),
      logger: silent,
      maintenance: {
        add: () => {},
        remove: () => {},
        observe: () => {},
        ensurePromoted: () => {},
        recoverEnded: () => Promise.resolve(false),
        close: () => {},
      },
      runners: new Set(),
      admit: () => {},
      admitRunner: () => {},
    };
  }

  async #call(verb: Verb, args: readonly unknown[], send: () => Promise<unknown>): Promise<unknown> {
    if (verb === 'join') this.#workers.push(String(args[0]));
    this.calls.push({ verb, args, words: this.#inWords(verb, args) });
    const fault = this.#faults.get(verb)?.shift();
    try {
      return await (fault ? fault(send) : send());
    } finally {
      this.replies.set(verb, (this.replies.get(verb) ?? 0) + 1);
    }
  }

  #inWords(verb: Verb, args: readonly unknown[]): string {
    const name = (worker: unknown): string => `w${this.#workers.indexOf(String(worker)) + 1}`;
    const [first, second, third, fourth] = args;
    switch (verb) {
      case 'join':
      case 'leave':
        return verb;
      case 'take':
        return `take ${String(second)} of ${String(third)}`;
      case 'takeOn':
        return `behind ${String(third)} of ${String(fourth)}`;
      case 'ack':
        return `ack ${name(first)} ${(second as Take[]).map(({ settlement }) => settlement.join(' ').trim()).join('; ')}`;
      case 'beat':
        return `beat ${name(first)} before ${String(second)}; ${(third as Take[]).map(beatOf).join(', ')}`.trim();
      case 'retry':
        return `retry ${placeOf(second as ClaimRef)}`;
      case 'release':
        return `release ${(second as ClaimRef[]).map(placeOf).join(' ')}`.trim();
      case 'noteQuarantined':
      case 'forgetQuarantined':
        return `${verb} ${name(second)} of ${first === processId() ? 'this process' : String(first)}`;
      default:
        return verb;
    }
  }

  #watched(wakeup: WakeupWait): Pick<WakeupWait, 'wait' | 'close'> {
    return {
      wait: (behind) => {
        this.waits += 1;
        return wakeup.wait(behind).finally(() => (this.waits -= 1));
      },
      close: () => wakeup.close(),
    };
  }
}
