/**
 * What the transitions of a queue mean, in plain lists and maps: written from the protocol, not from the scripts, and
 * without a clock. A lease has ended when a step says so; a delay is due, and a mark is forgotten, when a step says so.
 */
export type ListName = 'base' | 'inbox' | 'high' | 'low' | 'again' | 'suspects';
export type LaneLetter = 'a' | 'b' | 'h' | 'l' | 's';

export interface Message {
  /** As a test made it, and as its payload; unique. */
  readonly key: string;
  /** Absent without a header: bare JSON, from Python or on a plain queue. */
  readonly id: string | undefined;
  readonly attempts: number;
  readonly crashes: number;
}

/** What one take brought. Indexes count from 1. */
export interface TakeState {
  readonly number: number;
  readonly lanes: readonly LaneLetter[];
  readonly messages: readonly Message[];
  readonly acked: Set<number>;
  /** Settled with an effect: retried, buried or released. */
  readonly effects: Set<number>;
}

export interface WorkerState {
  readonly process: string;
  isRegistered: boolean;
  /** Its lease has ended. */
  isOver: boolean;
  /** Number of its last take that brought something. */
  seq: number;
  readonly takes: Map<number, TakeState>;
}

/** What a worker says of one of its takes: all that it knows, so that a late call takes nothing back. */
export interface Settlement {
  readonly number: number;
  readonly size: number;
  readonly acked: readonly number[];
  /** Settled with an effect that Redis confirmed. */
  readonly effects: readonly number[];
  /** Every message is settled. */
  readonly isOver: boolean;
}

/** A message in its take. */
export interface Spot {
  readonly number: number;
  readonly index: number;
}

/** A batch of one producer, as it is sent. */
export interface Batch {
  readonly producer: string;
  readonly number: number;
  readonly messages: readonly Message[];
  readonly lane: 'b' | 'h' | 'l';
  readonly isDelayed: boolean;
  /** Whether the ids are the callers' own. */
  readonly isOwn: boolean;
  /** Most messages in the queue; 0 for any number. */
  readonly most: number;
  /** How many messages each call put. */
  readonly calls: readonly number[];
}

export interface Answer {
  readonly accepted: number;
  readonly duplicates: readonly number[];
}

interface Late {
  readonly message: Message;
  readonly lane: LaneLetter;
  /** Its place among those that are due; absent while it is not. */
  readonly dueAs?: number;
}

interface DeadLetter {
  readonly message: Message;
  /** Absent when recovery buried it. */
  readonly lane?: LaneLetter;
  /** When it was buried, as Redis says: the one thing that is read from there. */
  at?: string;
}

/** A dead letter as a client names it. */
export interface Letter {
  readonly key: string;
  readonly at: string;
}

const listOf: Record<LaneLetter, ListName> = { a: 'again', b: 'base', h: 'high', l: 'low', s: 'suspects' };
export const mostCrashes = 3;

export class Model {
  readonly lists: Record<ListName, Message[]> = { base: [], inbox: [], high: [], low: [], again: [], suspects: [] };
  readonly delayed = new Map<string, Late>();
  readonly dead = new Map<string, DeadLetter>();
  readonly workers = new Map<string, WorkerState>();
  readonly marks = new Map<string, string>();
  /** By process: its workers that are noted to hold a suspect. */
  readonly notes = new Map<string, Set<string>>();
  private readonly stored = new Map<string, { readonly number: number; readonly answer: Answer }>();
  private readonly answers = new Map<string, number>();
  isPaused = false;
  /** Stored; acknowledged; cancelled, cleared or dropped. */
  put = 0;
  acked = 0;
  gone = 0;
  /** The server was away for all workers, and none has beaten since. */
  isBack = false;

  constructor(readonly wire: 'hotqueue' | 'plain' = 'hotqueue') {}

  /** All of it as it is now, for {@link restore}. */
  copy(): object {
    return structuredClone({ ...this });
  }

  /** Goes back to a copy, as a replica does that is promoted. */
  restore(copy: object): void {
    Object.assign(this, structuredClone(copy));
  }

  /** Ready or delayed: what counts against a limit. */
  get waiting(): number {
    return Object.values(this.lists).reduce((sum, list) => sum + list.length, this.delayed.size);
  }

  /** Claimed, and not settled. */
  get held(): number {
    return [...this.workers.values()].flatMap(({ takes }) => [...takes.values()]).reduce((sum, take) => sum + unsettledOf(take).length, 0);
  }

  /** Stored once for each number of a producer, and not after a later one; an own id once for as long as it is known. */
  store(batch: Batch): Answer {
    const last = this.stored.get(batch.producer);
    if (last && batch.number < last.number) return { accepted: -1, duplicates: [] };
    if (last && batch.number === last.number) return last.answer;
    const { fresh, answer } = batch.isOwn ? this.#unknownOf(batch) : this.#fittingOf(batch);
    this.stored.set(batch.producer, { number: batch.number, answer });
    this.put += fresh.length;
    if (batch.isDelayed) for (const message of fresh) this.#postpone(message.id ?? message.key, { message, lane: batch.lane });
    else this.lists[listOf[batch.lane]].push(...fresh);
    if (!batch.isDelayed && batch.lane !== 'b') this.#fillBase(['inbox', 'high', 'low']);
    return answer;
  }

  /** Calls go whole or not at all, and none overtakes one that found no room. */
  #fittingOf({ messages, most, calls }: Batch): { fresh: readonly Message[]; answer: Answer } {
    let room = this.#room(most);
    let accepted = 0;
    for (const size of calls) {
      if (size > room) break;
      room -= size;
      accepted += size;
    }
    return { fresh: messages.slice(0, accepted), answer: { accepted, duplicates: [] } };
  }

  #unknownOf({ producer, number, messages, most }: Batch): { fresh: readonly Message[]; answer: Answer } {
    let room = this.#room(most);
    const fresh: Message[] = [];
    const duplicates: number[] = [];
    let accepted = 0;
    for (const [index, message] of messages.entries()) {
      if (this.marks.has(message.id!)) duplicates.push(index);
      else {
        if (room < 1) break;
        room -= 1;
        fresh.push(message);
        this.marks.set(message.id!, `${producer} ${number}`);
      }
      accepted = index + 1;
    }
    return { fresh, answer: { accepted, duplicates } };
  }

  #room(most: number): number {
    return most === 0 ? Infinity : most - this.waiting;
  }

  /** What a worker that waits does, whichever it is. */
  wake(): void {
    const first = this.lists.base.shift();
    if (first) this.lists.inbox.push(first);
  }

  /** What recovery leaves of a message whose worker has died often. */
  suspect(message: Message): void {
    this.lists.suspects.push(message);
    this.put += 1;
  }

  /** @param beside the version of workers that the queue has already, where that is another */
  join(worker: string, process: string, beside?: 'older' | 'newer'): 'joined' | 'refused' {
    const isAnyThere = [...this.workers.values()].some(({ isRegistered }) => isRegistered);
    if (beside === 'older' || (beside === 'newer' && isAnyThere)) return 'refused';
    const state = this.workers.get(worker);
    if (state) Object.assign(state, { isRegistered: true, isOver: false });
    else this.workers.set(worker, { process, isRegistered: true, isOver: false, seq: 0, takes: new Map() });
    return 'joined';
  }

  /** At most one suspect at a time, and that first; the same number gets what it got before. */
  take(worker: string, number: number, most: number): TakeState | 'nothing' | 'lost' | 'paused' {
    const state = this.workers.get(worker);
    if (!state?.isRegistered || number < state.seq) return 'lost';
    if (number === state.seq) return state.takes.get(number) ?? 'nothing';
    if (this.isPaused) return this.#none();
    const lanes: LaneLetter[] = [];
    const messages: Message[] = [];
    const draw = (name: ListName, lane: LaneLetter, bound = most): void => {
      for (const message of this.lists[name].splice(0, Math.max(0, bound - messages.length))) {
        lanes.push(lane);
        messages.push(message);
      }
    };
    if (!suspectIn(state)) draw('suspects', 's', 1);
    if (number % 16 === 0) draw('low', 'l');
    draw('again', 'a');
    draw('inbox', 'b');
    draw('high', 'h');
    draw('base', 'b');
    draw('low', 'l');
    this.#fillBase(['inbox', 'high', 'low']);
    if (messages.length === 0) return 'nothing';
    const take: TakeState = { number, lanes, messages, acked: new Set(), effects: new Set() };
    state.takes.set(number, take);
    state.seq = number;
    return take;
  }

  /** No worker waits on a paused queue: what woke one goes back to where all will look. */
  #none(): 'paused' {
    this.#inboxBack();
    return 'paused';
  }

  /** Notes that this process holds a suspect, or that this worker of it does no longer. */
  note(process: string, worker: string, holds: boolean): void {
    const holders = this.notes.get(process) ?? new Set();
    this.notes.set(process, holders);
    if (holds) holders.add(worker);
    else holders.delete(worker);
  }

  /** Takes that the worker does not know of go back, unless they may be on their way; acknowledgements that Redis lost are written again. */
  beat(worker: string, number: number, known: readonly Settlement[]): 'beaten' | 'lost' {
    const state = this.workers.get(worker);
    if (!state?.isRegistered) return 'lost';
    this.#giveTime();
    state.isOver = false;
    for (const settlement of known) {
      const take = state.takes.get(settlement.number);
      if (take) this.#acknowledge(take, settlement.acked);
    }
    const unknown = newestFirst(state).filter((take) => take.number < number && !known.some((one) => one.number === take.number));
    if (unknown.length > 0) this.#inboxBack();
    for (const take of unknown) this.#giveBack(state, take);
    return 'beaten';
  }

  /** What a worker says is all that it knows, so what says less than Redis has is old, and ignored. */
  ack(worker: string, settlements: readonly Settlement[]): 'done' | 'already' | 'lost' {
    const state = this.workers.get(worker);
    let isNews = true;
    for (const settlement of settlements) isNews = this.#settle(state, settlement) && isNews;
    if (isNews) return 'done';
    return state?.isRegistered ? 'already' : 'lost';
  }

  /** A take that is over is dropped, unless a failover rolled an effect back: then that message is still to be given back. */
  #settle(state: WorkerState | undefined, { number, acked, effects, isOver }: Settlement): boolean {
    const take = state?.takes.get(number);
    if (!take) return false;
    const isNews = this.#acknowledge(take, acked);
    if (!isOver) return isNews;
    if (effects.every((index) => take.effects.has(index))) state!.takes.delete(number);
    return true;
  }

  #acknowledge(take: TakeState, acked: readonly number[]): boolean {
    if (acked.length <= take.acked.size) return false;
    this.acked += acked.length - take.acked.size;
    for (const index of acked) take.acked.add(index);
    return true;
  }

  retry(worker: string, spot: Spot, isDelayed: boolean): string {
    const found = this.#effect(worker, spot);
    if (typeof found === 'string') return found;
    const id = idOf(found.message, worker, found.lane, spot);
    const next = { ...found.message, id, attempts: found.message.attempts + 1 };
    const lane = this.laneBack(found.lane);
    if (isDelayed) this.#postpone(id, { message: next, lane });
    else {
      this.lists[listOf[lane]].push(next);
      if (lane === 'h' || lane === 'l') this.#fillBase([listOf[lane]]);
    }
    return 'done';
  }

  /** On a plain queue a header must not come to base, where Python reads. */
  laneBack(lane: LaneLetter): LaneLetter {
    return this.wire === 'plain' && lane !== 's' ? 'a' : lane;
  }

  bury(worker: string, spot: Spot): string {
    const found = this.#effect(worker, spot);
    if (typeof found === 'string') return found;
    this.#lay(idOf(found.message, worker, found.lane, spot), found);
    return 'done';
  }

  release(worker: string, spots: readonly Spot[]): string {
    this.#inboxBack();
    let released = 0;
    for (const spot of [...spots].sort((a, b) => b.number - a.number || b.index - a.index)) {
      const found = this.#effect(worker, spot);
      if (typeof found === 'string') continue;
      this.lists[listOf[found.lane]].unshift(found.message);
      released += 1;
    }
    this.#fillBase(['high', 'low']);
    if (released === 0 && spots.length > 0 && !this.workers.get(worker)?.isRegistered) return 'lost';
    return released === spots.length ? 'done' : 'already';
  }

  /** A message has one effect, as long as its take is there. */
  #effect(worker: string, { number, index }: Spot): { message: Message; lane: LaneLetter } | 'already' | 'lost' {
    const state = this.workers.get(worker);
    const take = state?.takes.get(number);
    if (!take || take.effects.has(index)) return state?.isRegistered ? 'already' : 'lost';
    take.effects.add(index);
    return { message: take.messages[index - 1]!, lane: take.lanes[index - 1]! };
  }

  leave(worker: string): void {
    const state = this.workers.get(worker);
    this.#inboxBack();
    if (state) {
      for (const take of newestFirst(state)) this.#giveBack(state, take);
      Object.assign(state, { isRegistered: false, seq: 0 });
    }
    this.#fillBase(['high', 'low']);
  }

  /**
   * Counts one crash for each message that may be to blame: for a suspect alone, where the worker held one; for none, where
   * another worker of its process did.
   *
   * @returns whether its lease had ended
   */
  recover(worker: string): boolean {
    const state = this.workers.get(worker);
    if (state?.isRegistered && (!state.isOver || this.#giveTime())) return false;
    this.#inboxBack();
    if (state) {
      const suspect = suspectIn(state);
      const isSpared = state.isRegistered && [...(this.notes.get(state.process) ?? [])].some((holder) => holder !== worker);
      const isBlamed = (take: TakeState, index: number): boolean => (suspect ? take === suspect && index === 1 : !isSpared);
      for (const take of newestFirst(state)) this.#giveBack(state, take, (index) => isBlamed(take, index) && this.#crash(worker, take, index));
      Object.assign(state, { isRegistered: false, seq: 0 });
    }
    this.#fillBase(['high', 'low']);
    return true;
  }

  /** Its lease ends, while others beat. */
  expire(worker: string): void {
    const state = this.workers.get(worker);
    if (state) state.isOver = true;
    this.isBack = false;
  }

  /** No worker could beat for so long that all leases are over. */
  away(): void {
    for (const state of this.workers.values()) state.isOver = true;
    this.isBack = true;
  }

  /** A worker that could not beat is not dead: the first call afterwards gives all of them time. @returns whether it did */
  #giveTime(): boolean {
    if (!this.isBack) return false;
    for (const state of this.workers.values()) state.isOver = false;
    this.isBack = false;
    return true;
  }

  due(member: string, dueAs: number): void {
    this.delayed.set(member, { ...this.delayed.get(member)!, dueAs });
  }

  promote(): void {
    const due = [...this.delayed].filter(([, { dueAs }]) => dueAs !== undefined).sort(([, a], [, b]) => a.dueAs! - b.dueAs!);
    for (const [member, { message, lane }] of due) {
      this.lists[listOf[lane]].push(message);
      this.delayed.delete(member);
    }
    if (due.length > 0) this.#fillBase(['high', 'low']);
  }

  move(member: string, isNow: boolean, request: string): number {
    return this.#once(request, () => {
      const found = this.delayed.get(member);
      if (!found) return 0;
      if (!isNow) this.delayed.set(member, { message: found.message, lane: found.lane });
      else {
        this.delayed.delete(member);
        this.lists[listOf[found.lane]].push(found.message);
        this.#fillBase(['inbox', 'high', 'low']);
      }
      return 1;
    });
  }

  cancel(member: string, request: string): number {
    return this.#once(request, () => {
      if (!this.delayed.delete(member)) return 0;
      this.gone += 1;
      return 1;
    });
  }

  /** As new, where it was taken from: no attempts, no crashes. */
  revive(letters: readonly Letter[], request: string): number {
    return this.#once(request, () => {
      const found = this.#dig(letters);
      for (const { key, letter } of found) {
        const { message, lane = 'b' } = letter;
        const place = this.wire === 'plain' ? 'a' : lane === 's' ? 'b' : lane;
        this.lists[listOf[place]].push({ ...message, id: message.id ?? key, attempts: 0, crashes: 0 });
      }
      if (found.length > 0) this.#fillBase(['high', 'low']);
      return found.length;
    });
  }

  drop(letters: readonly Letter[], request: string): number {
    return this.#once(request, () => {
      const found = this.#dig(letters);
      this.gone += found.length;
      return found.length;
    });
  }

  clear(request: string): number {
    return this.#once(request, () => {
      const dropped = this.waiting;
      for (const list of Object.values(this.lists)) list.splice(0);
      this.delayed.clear();
      this.gone += dropped;
      return dropped;
    });
  }

  /** There is nothing to mend but an empty base beside lists that are not. */
  sweep(): void {
    this.#fillBase(['inbox', 'high', 'low']);
  }

  /** A request that is sent again, however late, does nothing, and gets the same answer. */
  #once(request: string, act: () => number): number {
    const answer = this.answers.get(request) ?? act();
    this.answers.set(request, answer);
    return answer;
  }

  #dig(letters: readonly Letter[]): { key: string; letter: DeadLetter }[] {
    return letters.flatMap(({ key, at }) => {
      const letter = this.dead.get(key);
      if (letter?.at !== at) return [];
      this.dead.delete(key);
      return [{ key, letter }];
    });
  }

  #postpone(id: string, late: Late): void {
    this.delayed.set(freeIn(this.delayed, id), late);
  }

  #lay(id: string, letter: DeadLetter): void {
    this.dead.set(freeIn(this.dead, id), letter);
  }

  /** To the head, in the order in which it was taken. @param crash has counted a crash of that message, and moved it */
  #giveBack(state: WorkerState, take: TakeState, crash: (index: number) => boolean = () => false): void {
    for (const index of unsettledOf(take).reverse()) {
      if (!crash(index)) this.lists[listOf[take.lanes[index - 1]!]].unshift(take.messages[index - 1]!);
    }
    state.takes.delete(take.number);
  }

  #crash(worker: string, { number, lanes, messages }: TakeState, index: number): true {
    const [message, lane] = [messages[index - 1]!, lanes[index - 1]!];
    const id = idOf(message, worker, lane, { number, index });
    const crashed = { ...message, id, crashes: message.crashes + 1 };
    if (crashed.crashes >= mostCrashes) this.#lay(id, { message: crashed });
    else if (crashed.crashes === mostCrashes - 1) this.lists.suspects.unshift(crashed);
    else this.lists[listOf[this.laneBack(lane)]].unshift(crashed);
    return true;
  }

  #inboxBack(): void {
    this.lists.base.unshift(...this.lists.inbox.splice(0));
  }

  /** Workers wait on base: when it is empty, the next message of another list goes there. */
  #fillBase(names: readonly ListName[]): void {
    if (this.lists.base.length > 0) return;
    for (const name of names) {
      const next = this.lists[name].shift();
      if (next) return void this.lists.base.push(next);
    }
  }
}

/** The take with the suspect that a worker holds, if any. */
function suspectIn({ takes }: WorkerState): TakeState | undefined {
  return [...takes.values()].find((take) => take.lanes[0] === 's' && unsettledOf(take).includes(1));
}

/** Indexes of what is neither acknowledged nor settled with an effect. */
export function unsettledOf({ messages, acked, effects }: TakeState): number[] {
  return messages.map((_, at) => at + 1).filter((index) => !acked.has(index) && !effects.has(index));
}

function newestFirst({ takes }: WorkerState): TakeState[] {
  return [...takes.values()].sort((a, b) => b.number - a.number);
}

/** Under which id a message without one comes back: worker, take and index together are never used twice. */
export function idOf(message: Message, worker: string, lane: LaneLetter, { number, index }: Spot): string {
  return message.id ?? `${worker}.${lane}${number}.${index}`;
}

/** Equal ids are told apart by what stands behind them. */
function freeIn(map: ReadonlyMap<string, unknown>, id: string): string {
  let member = id;
  for (let n = 1; map.has(member); n++) member = `${id}~${n}`;
  return member;
}

/** Indexes in order, as they are written in Redis, such as `1-40,45`. */
export function rangesOf(indexes: Iterable<number>): string {
  const ranges: [first: number, last: number][] = [];
  for (const index of [...indexes].sort((a, b) => a - b)) {
    const range = ranges.at(-1);
    if (range?.[1] === index - 1) range[1] = index;
    else ranges.push([index, index]);
  }
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(',');
}
