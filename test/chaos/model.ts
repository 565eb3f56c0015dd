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

export interface WorkerState {
  isRegistered: boolean;
  isOver: boolean;
  seq: number;
  /** How many the last take brought. */
  count: number;
  readonly claims: Map<string, Message>;
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
  /** Absent when nobody knew which it was. */
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
  readonly #stored = new Map<string, { readonly number: number; readonly answer: Answer }>();
  readonly #answers = new Map<string, number>();
  isPaused = false;
  /** Stored; acknowledged; cancelled, cleared or dropped. */
  put = 0;
  acked = 0;
  gone = 0;
  drainer: string | undefined;
  /** The server was away, for everybody, and nobody has beaten since. */
  isBack = false;

  constructor(readonly wire: 'hotqueue' | 'plain' = 'hotqueue') {}

  /** Ready or delayed: what counts against a limit. */
  get waiting(): number {
    return Object.values(this.lists).reduce((sum, list) => sum + list.length, this.delayed.size);
  }

  /** Stored once for each number of a producer, and not after a later one; an own id once for as long as it is known. */
  store(batch: Batch): Answer {
    const last = this.#stored.get(batch.producer);
    if (last && batch.number < last.number) return { accepted: -1, duplicates: [] };
    if (last && batch.number === last.number) return last.answer;
    const { fresh, answer } = batch.isOwn ? this.#unknownOf(batch) : this.#fittingOf(batch);
    this.#stored.set(batch.producer, { number: batch.number, answer });
    this.put += fresh.length;
    if (batch.isDelayed) for (const message of fresh) this.#postpone(message.id ?? message.key, { message, lane: batch.lane });
    else this.lists[listOf[batch.lane]].push(...fresh);
    if (!batch.isDelayed && batch.lane !== 'b') this.#ring(['inbox', 'high', 'low']);
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

  /** What a blocked waiter of anybody does. */
  wake(): void {
    const first = this.lists.base.shift();
    if (first) this.lists.inbox.push(first);
  }

  join(worker: string): void {
    const state = this.workers.get(worker);
    if (state) Object.assign(state, { isRegistered: true, isOver: false });
    else this.workers.set(worker, { isRegistered: true, isOver: false, seq: 0, count: 0, claims: new Map() });
  }

  /** @returns tokens and messages, or a word */
  take(worker: string, number: number, most: number, company: string): [string, Message][] | 'lost' | 'drain' | 'paused' {
    const state = this.workers.get(worker);
    if (!state?.isRegistered || number < state.seq) return 'lost';
    if (number === state.seq) return this.#sameAgain(state, number);
    if (this.isPaused) return this.#none();
    const found: [string, Message][] = [];
    const draw = (name: ListName, lane: LaneLetter): void => {
      for (const message of this.lists[name].splice(0, Math.max(0, most - found.length))) {
        const token = `${lane}${number}.${found.length + 1}`;
        state.claims.set(token, message);
        found.push([token, message]);
      }
    };
    if (company !== 'aside' && this.lists.suspects.length > 0) {
      if (company === 'alone') {
        most = 1;
        draw('suspects', 's');
      } else {
        if (this.drainer === undefined || !this.workers.get(this.drainer)?.isRegistered) this.drainer = worker;
        if (this.drainer === worker) return 'drain';
      }
    }
    if (number % 16 === 0) draw('low', 'l');
    draw('again', 'a');
    draw('inbox', 'b');
    draw('high', 'h');
    draw('base', 'b');
    draw('low', 'l');
    if (found.length > 0) Object.assign(state, { seq: number, count: found.length });
    this.#ring(['inbox', 'high', 'low']);
    return found;
  }

  #sameAgain(state: WorkerState, number: number): [string, Message][] {
    const tokens = [...state.claims.keys()].filter((token) => token.slice(1).startsWith(`${number}.`));
    return inOrder(tokens).map((token) => [token, state.claims.get(token)!]);
  }

  /** Nobody waits on a paused queue: what woke somebody goes back to where all will look. */
  #none(): 'paused' {
    this.#inboxBack();
    return 'paused';
  }

  beat(worker: string, number: number, known: readonly string[]): 'beaten' | 'lost' {
    const state = this.workers.get(worker);
    if (!state?.isRegistered) return 'lost';
    this.#giveTime();
    state.isOver = false;
    const ghosts = [...state.claims.keys()].filter((token) => Number(token.slice(1).split('.')[0]) < number && !known.includes(token));
    if (ghosts.length === 0) return 'beaten';
    this.#inboxBack();
    for (const token of inOrder(ghosts).reverse()) this.#back(state, token);
    return 'beaten';
  }

  ack(worker: string, token: string): string {
    const message = this.#settle(worker, token);
    if (typeof message === 'string') return message;
    this.acked += 1;
    return 'done';
  }

  retry(worker: string, token: string, isDelayed: boolean): string {
    const message = this.#settle(worker, token);
    if (typeof message === 'string') return message;
    const id = idOf(message, worker, token);
    const next = { ...message, id, attempts: message.attempts + 1 };
    const lane = this.laneBack(token);
    if (isDelayed) this.#postpone(id, { message: next, lane });
    else {
      this.lists[listOf[lane]].push(next);
      if (lane === 'h' || lane === 'l') this.#ring([listOf[lane]]);
    }
    return 'done';
  }

  /** On a plain queue a header must not come to base, where Python reads. */
  laneBack(token: string): LaneLetter {
    return this.wire === 'plain' && token[0] !== 's' ? 'a' : (token[0] as LaneLetter);
  }

  bury(worker: string, token: string): string {
    const message = this.#settle(worker, token);
    if (typeof message === 'string') return message;
    this.#lay(idOf(message, worker, token), { message, lane: token[0] as LaneLetter });
    return 'done';
  }

  release(worker: string, tokens: readonly string[]): string {
    const state = this.workers.get(worker);
    this.#inboxBack();
    let released = 0;
    for (const token of inOrder(tokens).reverse()) if (state && this.#back(state, token)) released += 1;
    this.#ring(['high', 'low']);
    if (released === 0 && tokens.length > 0 && !state?.isRegistered) return 'lost';
    return released === tokens.length ? 'done' : 'already';
  }

  leave(worker: string): void {
    const state = this.workers.get(worker);
    this.#inboxBack();
    if (state) {
      for (const token of inOrder([...state.claims.keys()]).reverse()) this.#back(state, token);
      Object.assign(state, { isRegistered: false, seq: 0, count: 0 });
    }
    this.#ring(['high', 'low']);
  }

  /** @returns whether its lease had ended */
  recover(worker: string): boolean {
    const state = this.workers.get(worker);
    if (state?.isRegistered && (!state.isOver || this.#giveTime())) return false;
    this.#inboxBack();
    if (state) {
      for (const token of inOrder([...state.claims.keys()]).reverse()) this.#crash(state, worker, token);
      Object.assign(state, { isRegistered: false, seq: 0, count: 0 });
    }
    this.#ring(['high', 'low']);
    return true;
  }

  /** Its lease ends, while others beat. */
  expire(worker: string): void {
    const state = this.workers.get(worker);
    if (state) state.isOver = true;
    this.isBack = false;
  }

  /** Nobody could beat for so long that all leases are over. */
  away(): void {
    for (const state of this.workers.values()) state.isOver = true;
    this.isBack = true;
  }

  /** Who could not beat is not dead: the first that comes gives everybody time. @returns whether it did */
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
    if (due.length > 0) this.#ring(['high', 'low']);
  }

  move(member: string, isNow: boolean, request: string): number {
    return this.#once(request, () => {
      const found = this.delayed.get(member);
      if (!found) return 0;
      if (!isNow) this.delayed.set(member, { message: found.message, lane: found.lane });
      else {
        this.delayed.delete(member);
        this.lists[listOf[found.lane]].push(found.message);
        this.#ring(['inbox', 'high', 'low']);
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
      if (found.length > 0) this.#ring(['high', 'low']);
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

  /** There is nothing to mend but a bell that nobody rang. */
  sweep(): void {
    this.#ring(['inbox', 'high', 'low']);
  }

  /** A request that is sent again, however late, does nothing, and gets the same answer. */
  #once(request: string, act: () => number): number {
    const answer = this.#answers.get(request) ?? act();
    this.#answers.set(request, answer);
    return answer;
  }

  #dig(letters: readonly Letter[]): { key: string; letter: DeadLetter }[] {
    return letters.flatMap(({ key, at }) => {
      const letter = this.dead.get(key);
      if (letter?.at !== at) return [];
      this.dead.delete(key);
      return [{ key, letter: letter }];
    });
  }

  #postpone(id: string, late: Late): void {
    this.delayed.set(freeIn(this.delayed, id), late);
  }

  #lay(id: string, letter: DeadLetter): void {
    this.dead.set(freeIn(this.dead, id), letter);
  }

  #settle(worker: string, token: string): Message | 'already' | 'lost' {
    const state = this.workers.get(worker);
    const message = state?.claims.get(token);
    if (!message) return state?.isRegistered ? 'already' : 'lost';
    state!.claims.delete(token);
    return message;
  }

  #back(state: WorkerState, token: string): boolean {
    const message = state.claims.get(token);
    if (!message) return false;
    state.claims.delete(token);
    this.lists[listOf[token[0] as LaneLetter]].unshift(message);
    return true;
  }

  #crash(state: WorkerState, worker: string, token: string): void {
    const message = state.claims.get(token)!;
    state.claims.delete(token);
    const id = idOf(message, worker, token);
    const crashed = { ...message, id, crashes: message.crashes + 1 };
    if (crashed.crashes >= mostCrashes) this.#lay(id, { message: crashed });
    else if (crashed.crashes === mostCrashes - 1) this.lists.suspects.push(crashed);
    else this.lists[listOf[this.laneBack(token)]].unshift(crashed);
  }

  #inboxBack(): void {
    this.lists.base.unshift(...this.lists.inbox.splice(0));
  }

  /** Whoever finds base empty puts the next message there, for the waiters. */
  #ring(names: readonly ListName[]): void {
    if (this.lists.base.length > 0) return;
    for (const name of names) {
      const next = this.lists[name].shift();
      if (next) return void this.lists.base.push(next);
    }
  }
}

/** Under which id a message without one comes back: its worker and its token, which are never used twice. */
export function idOf(message: Message, worker: string, token: string): string {
  return message.id ?? `${worker}.${token}`;
}

/** Equal ids are told apart by what stands behind them. */
function freeIn(map: ReadonlyMap<string, unknown>, id: string): string {
  let member = id;
  for (let n = 1; map.has(member); n++) member = `${id}~${n}`;
  return member;
}

/** Tokens in the order in which they were given out. */
export function inOrder(tokens: readonly string[]): string[] {
  const place = (token: string): number => {
    const [number, index] = token.slice(1).split('.');
    return Number(number) * 1e6 + Number(index);
  };
  return [...tokens].sort((a, b) => place(a) - place(b));
}
