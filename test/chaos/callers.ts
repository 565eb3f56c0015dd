import fc from 'fast-check';
import type { Company } from '../../src/redis/broker.js';
import type { Batch, Letter, Message, Model } from './model.js';

/** How often which; what workers do stands first, what people do behind. */
const lives = [
  ['put', 6], ['take', 10], ['ack', 5], ['retry', 3], ['bury', 1], ['release', 3], ['wake', 3], ['join', 4], ['beat', 4], ['leave', 1], ['expire', 3],
  ['recover', 4], ['due', 2], ['promote', 2], ['ghost', 6], ['die', 5],
] as const;
const kinds = [
  ...lives, ['away', 3], ['bury', 4], ['due', 1], ['move', 4], ['cancel', 2], ['revive', 4], ['drop', 4], ['pause', 1], ['resume', 3], ['clear', 1], ['sweep', 1], ['forget', 1],
] as const;

/** A step as fast-check makes it: numbers that are read against what exists at that moment. */
export interface Draft {
  readonly kind: (typeof kinds)[number][0];
  readonly who: number;
  readonly pick: number;
  readonly count: number;
  /** Sent a second time at once, as after a lost reply. */
  readonly twice: boolean;
}

const drafts = (from: typeof lives | typeof kinds, most: number): fc.Arbitrary<Draft[]> => {
  const one = fc.record({
    kind: fc.oneof(...from.map(([kind, weight]) => ({ weight, arbitrary: fc.constant(kind) }))),
    who: fc.nat(3),
    pick: fc.nat(1_000),
    count: fc.integer({ min: 1, max: 5 }),
    twice: fc.boolean(),
  });
  return fc.array(one, { minLength: 1, maxLength: most, size: 'max' });
};

/** Up to so many, of all kinds, or only what workers do: what takes several deaths comes about more often there. */
export const someDrafts = (most: number): fc.Arbitrary<Draft[]> => fc.oneof(drafts(kinds, most), drafts(lives, most));

/** A transition with all that it was sent with, so that it can be sent again, at any time. */
export type Step =
  | ({ readonly kind: 'put' } & Batch)
  | { readonly kind: 'wake' | 'away' | 'promote' | 'sweep' | 'pause' | 'resume' }
  | { readonly kind: 'join' | 'leave' | 'recover' | 'expire'; readonly worker: string }
  | { readonly kind: 'take'; readonly worker: string; readonly number: number; readonly most: number; readonly company: Company }
  | { readonly kind: 'beat'; readonly worker: string; readonly number: number; readonly known: readonly string[] }
  | { readonly kind: 'ack' | 'bury'; readonly worker: string; readonly token: string; readonly message: Message }
  | { readonly kind: 'retry'; readonly worker: string; readonly token: string; readonly message: Message; readonly isDelayed: boolean }
  | { readonly kind: 'release'; readonly worker: string; readonly tokens: readonly string[] }
  | { readonly kind: 'due'; readonly member: string; readonly order: number }
  | { readonly kind: 'move'; readonly member: string; readonly isNow: boolean; readonly request: string }
  | { readonly kind: 'cancel'; readonly member: string; readonly request: string }
  | { readonly kind: 'revive' | 'drop'; readonly letters: readonly Letter[]; readonly request: string }
  | { readonly kind: 'clear'; readonly request: string }
  | { readonly kind: 'forget'; readonly id: string };

/** What time or a hand does, and no client: it cannot be delivered late, nor twice. A late join is refused by its age. */
const notSent: readonly Step['kind'][] = ['wake', 'away', 'due', 'expire', 'forget', 'join'];
export const mayBeLate = (step: Step): boolean => !notSent.includes(step.kind);
export const mayBeDoubled = (step: Step): boolean => step.kind === 'join' || mayBeLate(step);

interface Given {
  readonly worker: string;
  readonly token: string;
  readonly message: Message;
}

/** Those who call: what they were told, and so what they send next. They may be wrong about all of it. */
export class Callers {
  readonly #sent: Step[] = [];
  /** The number of each worker's last take that brought something. */
  readonly #numbers = new Map<string, number>();
  /** Every token that was ever given out. */
  readonly #tokens: Given[] = [];
  readonly #batches = new Map<string, number>();
  #made = 0;

  constructor(private readonly model: Model) {}

  /** Remembers what was sent, for ghosts. */
  sent(step: Step): void {
    this.#sent.push(step);
  }

  given(worker: string, number: number, taken: readonly (readonly [string, Message])[]): void {
    this.#numbers.set(worker, Math.max(this.#numbers.get(worker) ?? 0, number));
    for (const [token, message] of taken) if (!this.#tokens.some((one) => one.worker === worker && one.token === token)) this.#tokens.push({ worker, token, message });
  }

  /** @returns nothing when there is nobody or nothing to do it with */
  next({ kind, who, pick, count }: Draft): Step | undefined {
    switch (kind) {
      case 'put':
        return { kind, ...this.#batch(who, pick, count) };
      case 'wake':
      case 'away':
      case 'promote':
      case 'sweep':
      case 'pause':
      case 'resume':
        return { kind };
      case 'join':
        // An id is used once: a worker that was lost comes back under another.
        return this.#registered().length > 3 ? undefined : { kind, worker: `w${this.model.workers.size}` };
      case 'leave':
      case 'expire':
      case 'recover':
        return { kind, worker: this.someone(who) };
      case 'take':
        return this.#take(this.someone(who), pick, count);
      case 'beat': {
        const worker = this.someone(who);
        const mine = this.#tokens.filter((one) => one.worker === worker).map(({ token }) => token);
        return { kind, worker, number: (this.#numbers.get(worker) ?? 0) + 1, known: mine.filter((_, index) => (index * 7 + pick) % 9 !== 0) };
      }
      case 'ack':
      case 'bury': {
        const held = this.#held(pick, count);
        return held && { kind, ...held };
      }
      case 'retry': {
        const held = this.#held(pick, count);
        return held && { kind, ...held, isDelayed: pick % 2 === 0 };
      }
      case 'release': {
        const held = this.#held(pick, count);
        if (!held) return undefined;
        const mine = this.#tokens.filter(({ worker }) => worker === held.worker).map(({ token }) => token);
        return { kind, worker: held.worker, tokens: pick % 11 === 0 ? [] : [...new Set([held.token, ...mine.slice(-count)])] };
      }
      case 'due': {
        const member = this.#one([...this.model.delayed].filter(([, { dueAs }]) => dueAs === undefined).map(([key]) => key), pick);
        return member === undefined ? undefined : { kind, member, order: this.#number() };
      }
      case 'move': {
        const member = this.#one([...this.model.delayed.keys()], pick);
        return member === undefined ? undefined : { kind, member, isNow: pick % 3 > 0, request: this.#request() };
      }
      case 'cancel':
        return { kind, member: this.#one([...this.model.delayed.keys()], pick) ?? 'nothing', request: this.#request() };
      case 'revive':
      case 'drop':
        return this.#unearth(kind, pick, count);
      case 'clear':
        return { kind, request: this.#request() };
      case 'forget': {
        const id = this.#one([...this.model.marks.keys()], pick);
        return id === undefined ? undefined : { kind, id };
      }
      case 'ghost':
        return this.#one(this.#sent.filter(mayBeLate), pick);
      case 'die':
        return undefined; // two steps, see `Simulation.play`
    }
  }

  /** One of the workers that are registered. */
  someone(who: number): string {
    return this.#one(this.#registered(), who) ?? `w${who}`;
  }

  #registered(): string[] {
    return [...this.model.workers.entries()].filter(([, { isRegistered }]) => isRegistered).map(([id]) => id);
  }

  #batch(who: number, pick: number, count: number): Batch {
    const producer = `p${who % 2}`;
    const last = this.#batches.get(producer) ?? 0;
    const number = pick % 8 === 0 && last > 0 ? last : last + 1; // sometimes a number that was used
    this.#batches.set(producer, Math.max(last, number));
    const isOwn = this.model.wire !== 'plain' && pick % 5 === 0;
    const isBare = this.model.wire === 'plain' || (!isOwn && pick % 10 === 1);
    const messages = Array.from({ length: count }, (_, index): Message => {
      const key = `m${this.#number()}`;
      return { key, id: isBare ? undefined : isOwn ? `own${(pick + index * who) % 7}` : key, attempts: 0, crashes: 0 };
    });
    const first = 1 + (pick % count);
    const calls = first < count ? [first, count - first] : [count];
    return { producer, number, messages, lane: (['b', 'b', 'h', 'l'] as const)[pick % 4]!, isDelayed: pick % 7 === 0, isOwn, most: pick % 6 === 0 ? 4 + (pick % 9) : 0, calls };
  }

  #take(worker: string, pick: number, most: number): Step | undefined {
    const last = this.#numbers.get(worker) ?? 0;
    const number = pick % 6 === 0 ? last : pick % 17 === 0 ? last - 1 : pick % 13 === 0 ? last + 16 - (last % 16) : last + 1;
    return number < 1 ? undefined : { kind: 'take', worker, number, most, company: (['alone', 'busy', 'aside'] as const)[pick % 3]! };
  }

  /** Mostly a claim that is held, sometimes one that was. */
  #held(pick: number, count: number): Given | undefined {
    const current = this.#tokens.filter(({ worker, token }) => this.model.workers.get(worker)?.claims.has(token));
    return this.#one(count === 5 || current.length === 0 ? this.#tokens : current, pick);
  }

  /** Some that are dead; sometimes by what was known of them before they were buried anew. */
  #unearth(kind: 'revive' | 'drop', pick: number, count: number): Step | undefined {
    const letters = [...this.model.dead].map(([key, { at }]): Letter => ({ key, at: pick % 7 === 0 ? '1' : at! }));
    const from = letters.length === 0 ? 0 : pick % letters.length;
    return letters.length === 0 ? undefined : { kind, letters: letters.slice(from, from + count), request: this.#request() };
  }

  #one<T>(from: readonly T[], pick: number): T | undefined {
    return from[pick % Math.max(1, from.length)];
  }

  #request(): string {
    return `r${this.#number()}`;
  }

  #number(): number {
    return ++this.#made;
  }
}
