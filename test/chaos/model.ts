/**
 * What the transitions of a queue mean, in plain lists and maps: written from the protocol, not from the scripts, and
 * without a clock. A lease has ended when a step says so; a delay is due when a step says so.
 */
export type ListName = 'base' | 'inbox' | 'high' | 'low' | 'again' | 'suspects';
export type LaneLetter = 'a' | 'b' | 'h' | 'l' | 's';

export interface Message {
  /** As a test made it; unique. */
  readonly key: string;
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

const listOf: Record<LaneLetter, ListName> = { a: 'again', b: 'base', h: 'high', l: 'low', s: 'suspects' };
export const mostCrashes = 3;

export class Model {
  readonly lists: Record<ListName, Message[]> = { base: [], inbox: [], high: [], low: [], again: [], suspects: [] };
  readonly delayed: { readonly message: Message; readonly lane: LaneLetter; isDue: boolean }[] = [];
  readonly dead: Message[] = [];
  readonly workers = new Map<string, WorkerState>();
  readonly stored = new Map<string, number>();
  acked = 0;
  put = 0;
  drainer: string | undefined;

  /** Stored once for each number of a producer, and not after a later one. */
  store(producer: string, number: number, keys: readonly string[], lane: 'b' | 'h' | 'l'): void {
    if (number <= (this.stored.get(producer) ?? 0)) return;
    this.stored.set(producer, number);
    this.put += keys.length;
    this.lists[listOf[lane]].push(...keys.map((key) => ({ key, attempts: 0, crashes: 0 })));
    if (lane !== 'b') this.#ring(['inbox', 'high', 'low']);
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

  /** @returns tokens and keys, or a word */
  take(worker: string, number: number, most: number, company: string): [string, string][] | 'lost' | 'drain' {
    const state = this.workers.get(worker);
    if (!state?.isRegistered || number < state.seq) return 'lost';
    if (number === state.seq) return this.#sameAgain(state, number);
    const found: [string, string][] = [];
    const draw = (name: ListName, lane: LaneLetter): void => {
      for (const message of this.lists[name].splice(0, Math.max(0, most - found.length))) {
        const token = `${lane}${number}.${found.length + 1}`;
        state.claims.set(token, message);
        found.push([token, message.key]);
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

  #sameAgain(state: WorkerState, number: number): [string, string][] {
    const tokens = [...state.claims.keys()].filter((token) => token.slice(1).startsWith(`${number}.`));
    return inOrder(tokens).map((token) => [token, state.claims.get(token)!.key]);
  }

  beat(worker: string, number: number, known: readonly string[]): 'beaten' | 'lost' {
    const state = this.workers.get(worker);
    if (!state?.isRegistered) return 'lost';
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
    const next = { ...message, attempts: message.attempts + 1 };
    const lane = token[0] as LaneLetter;
    if (isDelayed) this.delayed.push({ message: next, lane, isDue: false });
    else {
      this.lists[listOf[lane]].push(next);
      if (lane === 'h' || lane === 'l') this.#ring([listOf[lane]]);
    }
    return 'done';
  }

  bury(worker: string, token: string): string {
    const message = this.#settle(worker, token);
    if (typeof message === 'string') return message;
    this.dead.push(message);
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
    if (state?.isRegistered && !state.isOver) return false;
    this.#inboxBack();
    if (state) {
      for (const token of inOrder([...state.claims.keys()]).reverse()) this.#crash(state, token);
      Object.assign(state, { isRegistered: false, seq: 0, count: 0 });
    }
    this.#ring(['high', 'low']);
    return true;
  }

  promote(): void {
    let promoted = 0;
    for (const { message, lane } of this.delayed.filter(({ isDue }) => isDue)) {
      this.lists[listOf[lane]].push(message);
      promoted += 1;
    }
    this.delayed.splice(0, Infinity, ...this.delayed.filter(({ isDue }) => !isDue));
    if (promoted > 0) this.#ring(['high', 'low']);
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

  #crash(state: WorkerState, token: string): void {
    const message = state.claims.get(token)!;
    state.claims.delete(token);
    const crashed = { ...message, crashes: message.crashes + 1 };
    if (crashed.crashes >= mostCrashes) this.dead.push(crashed);
    else if (crashed.crashes === mostCrashes - 1) this.lists.suspects.push(crashed);
    else this.lists[listOf[token[0] as LaneLetter]].unshift(crashed);
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

/** Tokens in the order in which they were given out. */
export function inOrder(tokens: readonly string[]): string[] {
  const place = (token: string): number => {
    const [number, index] = token.slice(1).split('.');
    return Number(number) * 1e6 + Number(index);
  };
  return [...tokens].sort((a, b) => place(a) - place(b));
}
