/**
 * A model of the transitions of a queue, in plain lists and maps. It is written from the protocol, not from the scripts. It
 * has no clock: leases end, delays become due and marks expire when a step says so.
 */
export type ListName = 'base' | 'inbox' | 'high' | 'low' | 'requeued' | 'quarantine';
export type LaneLetter = 'a' | 'b' | 'h' | 'l' | 's';

export interface Message {
  /** Unique name of the message; also its payload. */
  readonly key: string;
  /** Absent in a message without a header: bare JSON, from Python or on a plain queue. */
  readonly id: string | undefined;
  readonly attempts: number;
  readonly crashes: number;
}

/** The messages of one take. Indexes count from 1. */
export interface TakeState {
  readonly number: number;
  readonly lanes: readonly LaneLetter[];
  readonly messages: readonly Message[];
  readonly acked: Set<number>;
  /** Indexes of messages that were retried, buried or released. */
  readonly effects: Set<number>;
}

export interface WorkerState {
  readonly process: string;
  isRegistered: boolean;
  /** Whether its lease has ended. */
  isOver: boolean;
  /** Whether its lease was extended after an outage since its last heartbeat. */
  isExtended: boolean;
  /** Number of its last take that brought messages. */
  seq: number;
  readonly takes: Map<number, TakeState>;
}

/** What a worker reports about one of its takes. It reports its whole state, so a late call cannot undo a newer one. */
export interface Settlement {
  readonly number: number;
  readonly size: number;
  readonly acked: readonly number[];
  /** Indexes of messages whose retry, bury or release Redis confirmed. */
  readonly effects: readonly number[];
  /** Whether every message is settled. */
  readonly isOver: boolean;
}

/** A message of a take: number of the take, index in it. */
export interface Spot {
  readonly number: number;
  readonly index: number;
}

/** A batch as a put batcher sends it. */
export interface Batch {
  readonly producer: string;
  readonly number: number;
  readonly messages: readonly Message[];
  readonly lane: 'b' | 'h' | 'l';
  readonly isDelayed: boolean;
  /** Whether the callers chose the ids. */
  readonly isOwn: boolean;
  /** Limit of messages in the queue; 0 for no limit. */
  readonly most: number;
  /** Number of messages of each put call in the batch. */
  readonly calls: readonly number[];
}

export interface Answer {
  readonly accepted: number;
  readonly duplicates: readonly number[];
}

interface Late {
  readonly message: Message;
  readonly lane: LaneLetter;
  /** Its rank among the due messages; absent while it is not due. */
  readonly dueAs?: number;
}

interface DeadLetter {
  readonly message: Message;
  readonly lane: LaneLetter;
  /** Time of burial. It is the only value that the model reads from Redis. */
  at?: string;
}

/** A dead letter as a client refers to it. */
export interface Letter {
  readonly key: string;
  readonly at: string;
}

const listOf: Record<LaneLetter, ListName> = { a: 'requeued', b: 'base', h: 'high', l: 'low', s: 'quarantine' };
export const mostCrashes = 3;

export class Model {
  readonly lists: Record<ListName, Message[]> = {
    base: [],
    inbox: [],
    high: [],
    low: [],
    requeued: [],
    quarantine: [],
  };
  readonly delayed = new Map<string, Late>();
  readonly dead = new Map<string, DeadLetter>();
  readonly workers = new Map<string, WorkerState>();
  readonly marks = new Map<string, string>();
  /** For each process: its workers with a note that they hold a quarantined message. */
  readonly notes = new Map<string, Set<string>>();
  private readonly stored = new Map<string, { readonly number: number; readonly answer: Answer }>();
  private readonly answers = new Map<string, number>();
  isPaused = false;
  /** Workers that have left. A late join registers none of them. */
  readonly left = new Set<string>();
  /** How often an id was made unique. */
  private copies = 0;
  /** Numbers of messages. `put`: stored. `acked`: acknowledged. `gone`: cancelled, cleared or dropped. */
  put = 0;
  acked = 0;
  gone = 0;
  /** Whether the server was away for all workers, and no worker has sent a heartbeat since. */
  isBack = false;

  constructor(readonly wire: 'hotqueue' | 'plain' = 'hotqueue') {}

  /** A copy of the current state, for {@link restore}. */
  copy(): object {
    return structuredClone({ ...this });
  }

  /** Returns to a copied state, like the queue after a failover to a replica. */
  restore(copy: object): void {
    Object.assign(this, structuredClone(copy));
  }

  /** Number of waiting and delayed messages. These count against a limit. */
  get waiting(): number {
    return Object.values(this.lists).reduce((sum, list) => sum + list.length, this.delayed.size);
  }

  /** Number of active messages. */
  get held(): number {
    return [...this.workers.values()]
      .flatMap(({ takes }) => [...takes.values()])
      .reduce((sum, take) => sum + unsettledOf(take).length, 0);
  }

  /** Stores a batch once for each number of a put batcher, and never after a later number. Stores a caller's own id once while its mark exists. */
  store(batch: Batch): Answer {
    const last = this.stored.get(batch.producer);
    if (last && batch.number < last.number) return { accepted: -1, duplicates: [] };
    if (last && batch.number === last.number) return last.answer;
    const { fresh, answer } = batch.isOwn ? this.#unknownOf(batch) : this.#fittingOf(batch);
    this.stored.set(batch.producer, { number: batch.number, answer });
    this.put += fresh.length;
    if (batch.isDelayed)
      for (const message of fresh) this.#postpone(message.id ?? message.key, { message, lane: batch.lane });
    else this.lists[listOf[batch.lane]].push(...fresh);
    if (!batch.isDelayed) this.#fillBase();
    return answer;
  }

  /** Accepts the messages of a call all or not at all. After the first call that does not fit, it accepts no further call. */
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

  /** As {@link #fittingOf}. Messages whose ids are known take no room. */
  #unknownOf({ producer, number, messages, most, calls }: Batch): { fresh: readonly Message[]; answer: Answer } {
    let room = this.#room(most);
    const fresh: Message[] = [];
    const duplicates: number[] = [];
    const known = new Set([...this.marks.keys(), ...this.delayed.keys()]);
    let accepted = 0;
    for (const size of most > 0 ? calls : [messages.length]) {
      const indexes = Array.from({ length: size }, (_, at) => accepted + at);
      const seen = new Set(known);
      const isKnown = indexes.map((index) => {
        const { id } = messages[index]!;
        return seen.has(id!) || !seen.add(id!);
      });
      const wanted = indexes.filter((_, at) => !isKnown[at]);
      if (wanted.length > room) break;
      room -= wanted.length;
      accepted += size;
      duplicates.push(...indexes.filter((_, at) => isKnown[at]));
      for (const index of wanted) {
        fresh.push(messages[index]!);
        known.add(messages[index]!.id!);
        this.marks.set(messages[index]!.id!, `${producer} ${number}`);
      }
    }
    return { fresh, answer: { accepted, duplicates } };
  }

  #room(most: number): number {
    return most === 0 ? Infinity : most - this.waiting;
  }

  /** The wake-up wait of any worker: moves the first message of base to the inbox. */
  wake(): void {
    const first = this.lists.base.shift();
    if (first) this.lists.inbox.push(first);
  }

  /** Adds a quarantined message, as recovery leaves it. */
  quarantined(message: Message): void {
    this.lists.quarantine.push(message);
    this.put += 1;
  }

  /** @param beside version of the workers that the queue already has, if it is another version */
  join(worker: string, process: string, beside?: 'older' | 'newer'): 'joined' | 'refused' {
    if (this.left.has(worker)) return 'joined'; // a late request: its caller has left, and hears no reply
    const isAnyThere = [...this.workers.values()].some(({ isRegistered }) => isRegistered);
    if (beside === 'older' || (beside === 'newer' && isAnyThere)) return 'refused';
    this.#giveTime();
    const state = this.workers.get(worker);
    const begun = { isRegistered: true, isOver: false, isExtended: false };
    if (state) Object.assign(state, begun);
    else this.workers.set(worker, { process, ...begun, seq: 0, takes: new Map() });
    return 'joined';
  }

  /** Takes at most one quarantined message at a time, and takes it first. The same number gets the same messages again. */
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
    if (!quarantinedIn(state)) draw('quarantine', 's', 1);
    if (number % 16 === 0) draw('low', 'l');
    draw('requeued', 'a');
    draw('inbox', 'b');
    draw('high', 'h');
    draw('base', 'b');
    draw('low', 'l');
    this.#fillBase();
    if (messages.length === 0) return 'nothing';
    const take: TakeState = { number, lanes, messages, acked: new Set(), effects: new Set() };
    state.takes.set(number, take);
    state.seq = number;
    return take;
  }

  /** No worker waits on a paused queue. Messages in the inbox go back to base, where every worker takes. */
  #none(): 'paused' {
    this.#inboxBack();
    return 'paused';
  }

  /** Adds or removes the note that a worker of this process holds a quarantined message. */
  note(process: string, worker: string, holds: boolean): void {
    const holders = this.notes.get(process) ?? new Set();
    this.notes.set(process, holders);
    if (holds) holders.add(worker);
    else holders.delete(worker);
  }

  /** Gives back takes that the worker does not know, unless their reply may be on its way. Writes acknowledgements again that Redis lost. */
  beat(worker: string, number: number, known: readonly Settlement[]): 'beaten' | 'lost' {
    const state = this.workers.get(worker);
    if (!state?.isRegistered) return 'lost';
    this.#giveTime();
    Object.assign(state, { isOver: false, isExtended: false });
    for (const settlement of known) {
      const take = state.takes.get(settlement.number);
      if (take) this.#acknowledge(take, settlement.acked);
    }
    const unknown = newestFirst(state).filter(
      (take) => take.number < number && !known.some((one) => one.number === take.number),
    );
    if (unknown.length > 0) this.#inboxBack();
    for (const take of unknown) this.#giveBack(state, take);
    return 'beaten';
  }

  /** A worker reports its whole state. So a report with less than Redis has is an old one, and is ignored. */
  ack(worker: string, settlements: readonly Settlement[]): 'done' | 'already' | 'lost' {
    const state = this.workers.get(worker);
    let isNews = true;
    for (const settlement of settlements) isNews = this.#settle(state, settlement) && isNews;
    if (isNews) return 'done';
    return state?.isRegistered ? 'already' : 'lost';
  }

  /** Removes a finished take, unless a failover rolled back a retry, bury or release of it: that message must still be given back. */
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
      this.#fillBase();
    }
    return 'done';
  }

  /** On a plain queue, a message with a header must not go to base, because Python clients read it. */
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
    this.#fillBase();
    if (released === 0 && spots.length > 0 && !this.workers.get(worker)?.isRegistered) return 'lost';
    return released === spots.length ? 'done' : 'already';
  }

  /** Gives back what is behind the message that began last, up to a take. */
  giveBack(worker: string, begun: Spot, newest: number): 'done' | 'lost' {
    const state = this.workers.get(worker);
    if (!state?.isRegistered) return 'lost';
    const spots = newestFirst(state)
      .filter(({ number }) => number >= begun.number && number <= newest)
      .flatMap((take) => unsettledOf(take).map((index) => ({ number: take.number, index })))
      .filter(({ number, index }) => number > begun.number || index > begun.index);
    if (spots.length > 0) this.release(worker, spots);
    return 'done';
  }

  /** Allows one retry, bury or release for a message, while its take exists. */
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
    this.left.add(worker);
    this.#fillBase();
  }

  /**
   * Counts one crash for each message that may be the cause. If the worker held a quarantined message, only that one counts.
   * If another worker of its process held one, none counts.
   *
   * @returns whether its lease had ended
   */
  recover(worker: string): boolean {
    const state = this.workers.get(worker);
    if (state?.isRegistered && state.isOver) this.#giveTime();
    if (state?.isRegistered && !state.isOver) return false;
    this.#inboxBack();
    if (state) {
      const quarantined = quarantinedIn(state);
      const isSpared =
        state.isRegistered && [...(this.notes.get(state.process) ?? [])].some((holder) => holder !== worker);
      const isBlamed = (take: TakeState, index: number): boolean =>
        quarantined ? take === quarantined && index === 1 : !isSpared;
      for (const take of newestFirst(state))
        this.#giveBack(state, take, (index) => isBlamed(take, index) && this.#crash(worker, take, index));
      Object.assign(state, { isRegistered: false, seq: 0 });
    }
    this.#fillBase();
    return true;
  }

  /** Ends the lease of a worker while other workers send heartbeats. */
  expire(worker: string): void {
    const state = this.workers.get(worker);
    if (state) state.isOver = true;
    this.isBack = false;
  }

  /** The server was away for so long that all leases have ended. */
  away(): void {
    for (const state of this.workers.values()) state.isOver = true;
    this.isBack = true;
  }

  /** After an outage of the server, the first call extends the leases, because the workers are not dead: each once between two heartbeats of its worker. */
  #giveTime(): void {
    if (!this.isBack) return;
    for (const state of this.workers.values()) {
      if (state.isRegistered && !state.isExtended) Object.assign(state, { isOver: false, isExtended: true });
    }
    this.isBack = false;
  }

  due(member: string, dueAs: number): void {
    this.delayed.set(member, { ...this.delayed.get(member)!, dueAs });
  }

  promote(): void {
    const due = [...this.delayed]
      .filter(([, { dueAs }]) => dueAs !== undefined)
      .sort(([, a], [, b]) => a.dueAs! - b.dueAs!);
    for (const [member, { message, lane }] of due) {
      this.lists[listOf[lane]].push(message);
      this.delayed.delete(member);
    }
    if (due.length > 0) this.#fillBase();
  }

  move(member: string, isNow: boolean, request: string): number {
    return this.#once(request, () => {
      const found = this.delayed.get(member);
      if (!found) return 0;
      if (!isNow) this.delayed.set(member, { message: found.message, lane: found.lane });
      else {
        this.delayed.delete(member);
        this.lists[listOf[found.lane]].push(found.message);
        this.#fillBase();
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

  /** Puts dead letters back to the lists that they were taken from, without attempts and crashes. */
  revive(letters: readonly Letter[], request: string): number {
    return this.#once(request, () => {
      const found = this.#dig(letters);
      for (const { key, letter } of found) {
        const { message, lane } = letter;
        const place = this.wire === 'plain' ? 'a' : lane === 's' ? 'b' : lane;
        this.lists[listOf[place]].push({ ...message, id: message.id ?? key, attempts: 0, crashes: 0 });
      }
      if (found.length > 0) this.#fillBase();
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

  /** Fills an empty base from the other lists. In the model, nothing else needs repair. */
  sweep(): void {
    this.#fillBase();
  }

  /** Executes a request once. A request that is sent again, at any time, does nothing and gets the same reply. */
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
    this.delayed.set(this.#freeIn(this.delayed, id), late);
  }

  #lay(id: string, letter: DeadLetter): void {
    this.dead.set(this.#freeIn(this.dead, id), letter);
  }

  /** Appends `~` and a number to an id that the map already has. One counter serves all ids. */
  #freeIn(map: ReadonlyMap<string, unknown>, id: string): string {
    let member = id;
    while (map.has(member)) member = `${id}~${++this.copies}`;
    return member;
  }

  /** Gives a take back to the heads of its lists, in its order. @param crash counts a crash and moves the message itself; returns whether it did so */
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
    if (crashed.crashes >= mostCrashes) this.#lay(id, { message: crashed, lane });
    else if (crashed.crashes === mostCrashes - 1) this.lists.quarantine.unshift(crashed);
    else this.lists[listOf[this.laneBack(lane)]].unshift(crashed);
    return true;
  }

  #inboxBack(): void {
    this.lists.base.unshift(...this.lists.inbox.splice(0));
  }

  /** Workers wait on base. So if base is empty, the next message of another list moves there. */
  #fillBase(): void {
    if (this.lists.base.length > 0) return;
    for (const name of ['inbox', 'high', 'low'] as const) {
      const next = this.lists[name].shift();
      if (next) return void this.lists.base.push(next);
    }
  }
}

/** The take with the active quarantined message of a worker, if any. */
function quarantinedIn({ takes }: WorkerState): TakeState | undefined {
  return [...takes.values()].find((take) => take.lanes[0] === 's' && unsettledOf(take).includes(1));
}

/** Indexes of the messages that are neither acknowledged nor retried, buried or released. */
export function unsettledOf({ messages, acked, effects }: TakeState): number[] {
  return messages.map((_, at) => at + 1).filter((index) => !acked.has(index) && !effects.has(index));
}

function newestFirst({ takes }: WorkerState): TakeState[] {
  return [...takes.values()].sort((a, b) => b.number - a.number);
}

/** The id of a message, or a new one if it has none: worker, take and index together are unique. */
export function idOf(message: Message, worker: string, lane: LaneLetter, { number, index }: Spot): string {
  return message.id ?? `${worker}.${lane}${number}.${index}`;
}

/** Indexes as ranges, in the format of Redis, such as `1-40,45`. */
export function rangesOf(indexes: Iterable<number>): string {
  const ranges: [first: number, last: number][] = [];
  for (const index of [...indexes].sort((a, b) => a - b)) {
    const range = ranges.at(-1);
    if (range?.[1] === index - 1) range[1] = index;
    else ranges.push([index, index]);
  }
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(',');
}
