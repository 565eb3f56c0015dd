import fc from 'fast-check';
import type { Take } from '../../src/redis/take.js';
import {
  mostCrashes,
  rangesOf,
  type Batch,
  type Letter,
  type Message,
  type Model,
  type Settlement,
  type Spot,
} from './model.js';

/** Steps with their weights. `lives` has the steps of workers; `kinds` adds the steps of operators and of the server. */
const lives = [
  ['put', 6],
  ['take', 10],
  ['ack', 7],
  ['retry', 3],
  ['bury', 1],
  ['release', 3],
  ['give back', 2],
  ['wake', 3],
  ['join', 4],
  ['beat', 4],
  ['leave', 1],
  ['expire', 3],
  ['recover', 4],
  ['due', 2],
  ['promote', 2],
  ['ghost', 6],
  ['die', 5],
  ['forget quarantined', 1],
] as const;
const kinds = [
  ...lives,
  ['away', 3],
  ['bury', 4],
  ['due', 1],
  ['move', 4],
  ['cancel', 2],
  ['revive', 4],
  ['drop', 4],
  ['pause', 1],
  ['resume', 3],
  ['clear', 1],
  ['sweep', 1],
  ['forget', 1],
  ['replicate', 4],
  ['fail over', 2],
  ['quarantined', 1],
] as const;

/** Steps for workers that die, and for the quarantined messages that they leave. */
const deaths = [
  ['put', 5],
  ['quarantined', 3],
  ['take', 12],
  ['ack', 8],
  ['retry', 2],
  ['bury', 1],
  ['release', 2],
  ['give back', 2],
  ['join', 4],
  ['beat', 4],
  ['leave', 1],
  ['die', 5],
  ['ghost', 4],
  ['forget quarantined', 2],
  ['replicate', 2],
  ['fail over', 1],
] as const;

/** Steps for a server that is away for longer than all leases, and for the call that comes first when it is back. */
const outages = [
  ['put', 4],
  ['take', 6],
  ['ack', 2],
  ['join', 6],
  ['beat', 3],
  ['recover', 6],
  ['leave', 1],
  ['away', 4],
  ['expire', 1],
  ['die', 2],
] as const;

/** A step as fast-check generates it. Its numbers select from the workers and messages that exist at that moment. */
export interface Draft {
  readonly kind: (typeof kinds | typeof deaths)[number][0];
  readonly who: number;
  readonly pick: number;
  readonly count: number;
  /** Whether the call is sent a second time at once, as after a lost reply. */
  readonly twice: boolean;
  /** `unheard`: the reply is lost. `late`: the call is not delivered now; it may arrive later, as a ghost. */
  readonly transmission: 'heard' | 'unheard' | 'late';
}

const drafts = (from: readonly (readonly [Draft['kind'], number])[], most: number): fc.Arbitrary<Draft[]> => {
  const one = fc.record({
    kind: fc.oneof(...from.map(([kind, weight]) => ({ weight, arbitrary: fc.constant(kind) }))),
    who: fc.nat(3),
    pick: fc.nat(1_000),
    count: fc.integer({ min: 1, max: 5 }),
    twice: fc.boolean(),
    transmission: fc.constantFrom('heard', 'heard', 'heard', 'heard', 'heard', 'heard', 'unheard', 'unheard', 'late'),
  });
  return fc.array(one, { minLength: 1, maxLength: most, size: 'max' });
};

/** Up to `most` steps, of all kinds or of a few kinds. With few kinds, states that need several steps occur more often. */
export const someDrafts = (most: number): fc.Arbitrary<Draft[]> =>
  fc.oneof(drafts(kinds, most), drafts(lives, most), drafts(deaths, most), drafts(outages, most));

/** The report about a take, for the model and as arguments for the script. */
export interface Told {
  readonly settlement: Settlement;
  readonly words: readonly string[];
}

/** A transition with all its arguments, so that it can be sent again at any time. */
export type Step =
  | ({ readonly kind: 'put' } & Batch)
  | { readonly kind: 'wake' | 'away' | 'promote' | 'sweep' | 'pause' | 'resume' | 'replicate' | 'fail over' }
  | { readonly kind: 'quarantined'; readonly message: Message }
  | { readonly kind: 'leave' | 'recover' | 'expire'; readonly worker: string }
  | { readonly kind: 'join'; readonly worker: string; readonly process: string; readonly beside?: 'older' | 'newer' }
  | { readonly kind: 'take'; readonly worker: string; readonly number: number; readonly most: number }
  | { readonly kind: 'beat'; readonly worker: string; readonly number: number; readonly takes: readonly Told[] }
  | { readonly kind: 'ack'; readonly worker: string; readonly takes: readonly Told[] }
  | { readonly kind: 'bury'; readonly worker: string; readonly spot: Spot }
  | { readonly kind: 'retry'; readonly worker: string; readonly spot: Spot; readonly isDelayed: boolean }
  | { readonly kind: 'release'; readonly worker: string; readonly spots: readonly Spot[] }
  | { readonly kind: 'give back'; readonly worker: string; readonly begun: Spot; readonly newest: number }
  | { readonly kind: 'note quarantined' | 'forget quarantined'; readonly worker: string; readonly process: string }
  | { readonly kind: 'due'; readonly member: string; readonly order: number }
  | { readonly kind: 'move'; readonly member: string; readonly isNow: boolean; readonly request: string }
  | { readonly kind: 'cancel'; readonly member: string; readonly request: string }
  | { readonly kind: 'revive' | 'drop'; readonly letters: readonly Letter[]; readonly request: string }
  | { readonly kind: 'clear'; readonly request: string }
  | { readonly kind: 'forget'; readonly id: string };

/** Steps that are not calls of a client, so they cannot arrive late or twice. `join` is here because the script refuses most late joins by their age: see `ghost`. */
const notSent: readonly Step['kind'][] = [
  'wake',
  'away',
  'quarantined',
  'due',
  'expire',
  'forget',
  'join',
  'replicate',
  'fail over',
];
export const mayBeLate = (step: Step): boolean => !notSent.includes(step.kind);
export const mayBeDoubled = (step: Step): boolean => step.kind === 'join' || mayBeLate(step);

/** A take as its worker knows it. */
class Known {
  readonly acked = new Set<number>();
  /** Indexes that the worker has tried to retry, bury or release. The call may be on its way, or lost. */
  readonly tried = new Set<number>();
  readonly confirmed = new Set<number>();

  constructor(
    readonly worker: string,
    /** The library's own object for this take. It receives the same calls, and must report the same. */
    readonly take: Take,
    readonly messages: readonly Message[],
  ) {}

  /** Indexes that are not acknowledged, and that the worker does not know to be settled. */
  get open(): number[] {
    return this.messages.map((_, at) => at + 1).filter((index) => !this.acked.has(index) && !this.confirmed.has(index));
  }

  ack(index: number): void {
    this.acked.add(index);
    this.take.ack(index);
  }

  confirm(index: number): void {
    this.confirmed.add(index);
    this.take.confirm(index);
  }

  settlement(): Told {
    const settlement = this.#settlement;
    const { number, isOver, effects } = settlement;
    return this.#told(
      settlement,
      isOver ? [`${number}`, 'over', effects.join(',')] : this.#counted,
      this.take.settlement,
    );
  }

  acknowledgements(): Told {
    return this.#told(this.#settlement, this.#counted, this.take.acknowledgements);
  }

  get #settlement(): Settlement {
    const { acked, confirmed, take, messages } = this;
    return {
      number: take.number,
      size: messages.length,
      acked: [...acked],
      effects: [...confirmed].sort((a, b) => a - b),
      isOver: acked.size + confirmed.size === messages.length,
    };
  }

  get #counted(): string[] {
    return [`${this.take.number}`, `${this.acked.size}`, `${this.messages.length}`, rangesOf(this.acked)];
  }

  #told(settlement: Settlement, ought: readonly string[], words: readonly string[]): Told {
    if (ought.join(' ') !== words.join(' '))
      throw new Error(
        `a worker with the state ${JSON.stringify(settlement)} reports "${words.join(' ')}", expected "${ought.join(' ')}"`,
      );
    return { settlement, words };
  }
}

/** The clients: the replies that they received, and the calls that they send next. What they know may be out of date. */
export class Callers {
  #sent: Step[] = [];
  /** For each worker: number of its last take that brought messages. */
  readonly #numbers = new Map<string, number>();
  /** For each worker: number of the newest take that was given back because it had not begun. Nothing more of it begins. */
  readonly #givenBack = new Map<string, number>();
  /** Workers that may send their last take again. After a failover they may not: the new server would reply with other messages. */
  readonly #mayRepeat = new Set<string>();
  /** By worker and number: every take with a reply that its worker received. */
  readonly #takes = new Map<string, Known>();
  /** The takes that their workers have not dropped. */
  readonly #open = new Set<Known>();
  /** The last batch of each put batcher. */
  readonly #batches = new Map<string, Batch>();
  #joined = 0;
  #made = 0;

  constructor(private readonly model: Model) {}

  /** Records a call, so that it can arrive again as a ghost. */
  sent(step: Step): void {
    this.#sent.push(step);
  }

  /** Forgets the sent calls: calls to the old server never arrive at the new one. */
  failedOver(): void {
    this.#sent = [];
    this.#mayRepeat.clear();
  }

  /** A worker received the reply to its take. */
  given(worker: string, take: Take, messages: readonly Message[]): void {
    this.#numbers.set(worker, Math.max(this.#numbers.get(worker) ?? 0, take.number));
    this.#mayRepeat.add(worker);
    const name = `${worker} ${take.number}`;
    if (this.#takes.has(name)) return;
    const known = new Known(worker, take, messages);
    this.#takes.set(name, known);
    for (let index = 1; index <= take.size; index++) {
      if (take.isSettled(index)) known.confirmed.add(index); // given back before this reply arrived
      if (take.number <= (this.#givenBack.get(worker) ?? 0)) known.tried.add(index);
    }
    this.#open.add(known);
  }

  /** A worker received the reply to a settlement. Only from then on may it report a retry, bury or release as finished. */
  heard(step: Step, outcome: unknown): void {
    if (outcome === 'lost' || !('worker' in step)) return;
    if (step.kind === 'ack')
      for (const { settlement } of step.takes)
        if (settlement.isOver) this.#open.delete(this.#takes.get(`${step.worker} ${settlement.number}`)!);
    if (step.kind === 'retry' || step.kind === 'bury') this.#confirm(step.worker, [step.spot]);
    if (step.kind === 'release') this.#confirm(step.worker, step.spots);
  }

  take(worker: string, { number }: Spot): Take {
    return this.#takes.get(`${worker} ${number}`)!.take;
  }

  message(worker: string, { number, index }: Spot): Message {
    return this.#takes.get(`${worker} ${number}`)!.messages[index - 1]!;
  }

  /** @returns the step, or `undefined` if there is no worker or message for it */
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
      case 'replicate':
      case 'fail over':
        return { kind };
      case 'quarantined': {
        const key = `m${this.#number()}`;
        return { kind, message: { key, id: key, attempts: 0, crashes: mostCrashes - 1 } };
      }
      case 'join':
        return this.#registered().length > 3 ? undefined : this.#join(pick);
      case 'leave':
      case 'expire':
      case 'recover':
        return { kind, worker: this.someone(who) };
      case 'take':
        return this.#take(this.someone(who), pick, count);
      case 'beat': {
        const worker = this.someone(who);
        const mine = [...this.#open].filter((known) => known.worker === worker);
        const takes = mine.filter((_, index) => (index * 7 + pick) % 9 !== 0).map((known) => known.acknowledgements());
        return { kind, worker, number: (this.#numbers.get(worker) ?? 0) + 1, takes };
      }
      case 'ack':
        return this.#ack(pick, count);
      case 'bury':
      case 'retry': {
        const known = this.#known(pick, count);
        const index = this.#one(known?.open ?? [], pick);
        return known && index !== undefined ? this.#effect(kind, known, index, pick) : undefined;
      }
      case 'release':
        return this.#release(pick, count);
      case 'give back':
        return this.#giveBack(this.someone(who), pick);
      case 'forget quarantined': {
        const held = this.#one(
          [...this.model.notes].flatMap(([process, workers]) => [...workers].map((worker) => ({ process, worker }))),
          pick,
        );
        return held && { kind, ...held };
      }
      case 'due': {
        const member = this.#one(
          [...this.model.delayed].filter(([, { dueAs }]) => dueAs === undefined).map(([key]) => key),
          pick,
        );
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
        return this.#one(
          this.#sent.filter((step) => mayBeLate(step) || this.#isLateJoin(step)),
          pick,
        );
      case 'die':
        return undefined; // two steps, see `Simulation.play`
    }
  }

  /** The request of a worker that is registered, or has left since. After a recovery, its age is more than a lease. */
  #isLateJoin(step: Step): boolean {
    if (step.kind !== 'join' || step.beside) return false;
    return this.model.left.has(step.worker) || this.model.workers.get(step.worker)?.isRegistered === true;
  }

  /** A registered worker, or an unknown one if none is registered. */
  someone(who: number): string {
    return this.#one(this.#registered(), who) ?? `w${who}`;
  }

  #registered(): string[] {
    return [...this.model.workers.entries()].filter(([, { isRegistered }]) => isRegistered).map(([id]) => id);
  }

  /** A worker joins under a new id. An id is used once: a worker that lost its lease joins again under another id. All workers belong to two processes. */
  #join(pick: number): Step {
    const number = this.#joined++;
    const beside = pick % 9 === 0 ? 'older' : pick % 9 === 1 ? 'newer' : undefined;
    return { kind: 'join', worker: `w${number}`, process: `process${number % 2}`, ...(beside && { beside }) };
  }

  #batch(who: number, pick: number, count: number): Batch {
    const producer = `p${who % 2}`;
    const last = this.#batches.get(producer);
    if (last && pick % 8 === 0) return last; // the same batch again, with the same number
    const number = (last?.number ?? 0) + 1;
    const isOwn = this.model.wire !== 'plain' && pick % 5 === 0;
    const isBare = this.model.wire === 'plain' || (!isOwn && pick % 10 === 1);
    const messages = Array.from({ length: count }, (_, index): Message => {
      const key = `m${this.#number()}`;
      const crashes = !isBare && pick % 3 === 0 ? 1 : 0; // it has crashed once: one more crash moves it to quarantine
      return { key, id: isBare ? undefined : isOwn ? `own${(pick + index * who) % 7}` : key, attempts: 0, crashes };
    });
    const first = 1 + (pick % count);
    const calls = first < count ? [first, count - first] : [count];
    const batch: Batch = {
      producer,
      number,
      messages,
      lane: (['b', 'b', 'h', 'l'] as const)[pick % 4]!,
      isDelayed: pick % 7 === 0,
      isOwn,
      most: pick % 6 === 0 ? 4 + (pick % 9) : 0,
      calls,
    };
    this.#batches.set(producer, batch);
    return batch;
  }

  #take(worker: string, pick: number, most: number): Step | undefined {
    const last = this.#numbers.get(worker) ?? 0;
    const old = this.#mayRepeat.has(worker)
      ? pick % 6 === 0
        ? last
        : pick % 17 === 0
          ? last - 1
          : undefined
      : undefined;
    const number = old ?? (pick % 13 === 0 ? last + 16 - (last % 16) : last + 1);
    return number < 1 ? undefined : { kind: 'take', worker, number, most };
  }

  /** Acknowledges some messages of a take, all of them, or none. The same call may report another take of that worker. */
  #ack(pick: number, count: number): Step | undefined {
    const known = this.#known(pick, count);
    if (!known) return undefined;
    const free = known.open.filter((index) => !known.tried.has(index));
    for (const index of count === 5 ? free : free.filter((_, at) => (at + pick) % (count + 1) !== 0)) known.ack(index);
    const other =
      pick % 4 === 0
        ? this.#one(
            [...this.#open].filter((one) => one.worker === known.worker && one !== known),
            pick,
          )
        : undefined;
    return {
      kind: 'ack',
      worker: known.worker,
      takes: (other ? [known, other] : [known]).map((one) => one.settlement()),
    };
  }

  #effect(kind: 'bury' | 'retry', known: Known, index: number, pick: number): Step {
    known.tried.add(index);
    const spot = { number: known.take.number, index };
    return kind === 'bury'
      ? { kind, worker: known.worker, spot }
      : { kind, worker: known.worker, spot, isDelayed: pick % 2 === 0 };
  }

  /** Releases some messages of one worker, which may be of several takes. */
  #release(pick: number, count: number): Step | undefined {
    const known = this.#known(pick, count);
    if (!known) return undefined;
    const { worker } = known;
    if (pick % 11 === 0) return { kind: 'release', worker, spots: [] };
    const mine = [...this.#open]
      .filter((one) => one.worker === worker)
      .flatMap((one) => one.open.map((index) => ({ one, index })));
    const first = pick % Math.max(1, mine.length);
    const spots = mine.slice(first, first + count).map(({ one, index }): Spot => {
      one.tried.add(index);
      return { number: one.take.number, index };
    });
    return spots.length === 0 ? undefined : { kind: 'release', worker, spots };
  }

  /** The lease thread of a worker gives back what has not begun, also a take whose reply is on its way. What is acknowledged has begun. */
  #giveBack(worker: string, pick: number): Step {
    const mine = [...this.#takes.values()].filter((known) => known.worker === worker);
    const spots = mine
      .flatMap(({ take: { number }, messages }) => messages.map((_, at): Spot => ({ number, index: at + 1 })))
      .sort((a, b) => a.number - b.number || a.index - b.index);
    const acked = spots.findLastIndex(({ number, index }) => this.#takes.get(`${worker} ${number}`)!.acked.has(index));
    const last = acked + (pick % (spots.length - acked));
    const begun = spots[last] ?? { number: 0, index: 0 };
    for (const { number, index } of spots.slice(last + 1)) this.#takes.get(`${worker} ${number}`)!.tried.add(index);
    const newest = (this.#numbers.get(worker) ?? 0) + 1;
    this.#numbers.set(worker, newest);
    this.#givenBack.set(worker, newest);
    return { kind: 'give back', worker, begun, newest };
  }

  #confirm(worker: string, spots: readonly Spot[]): void {
    for (const { number, index } of spots) this.#takes.get(`${worker} ${number}`)!.confirm(index);
  }

  /** A take that its worker knows. Usually Redis has it; sometimes it does not. */
  #known(pick: number, count: number): Known | undefined {
    const all = [...this.#open];
    const there = all.filter(({ worker, take }) => this.model.workers.get(worker)?.takes.has(take.number));
    return this.#one(count === 5 || there.length === 0 ? all : there, pick);
  }

  /** Revives or drops some dead letters. Sometimes it names an old time of burial, as a client does that read it before. */
  #unearth(kind: 'revive' | 'drop', pick: number, count: number): Step | undefined {
    const letters = [...this.model.dead].map(([key, { at }]): Letter => ({ key, at: pick % 7 === 0 ? '1' : at! }));
    const from = letters.length === 0 ? 0 : pick % letters.length;
    return letters.length === 0
      ? undefined
      : { kind, letters: letters.slice(from, from + count), request: this.#request() };
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
