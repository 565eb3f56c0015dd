/** Where a message was taken from, and goes back to: again, base, high, low, suspects. */
export type Lane = 'a' | 'b' | 'h' | 'l' | 's';

/** A message in the hands of a worker, as Redis gave it out. */
export class Held {
  constructor(
    readonly lane: Lane,
    /** Of the take that brought it. */
    readonly number: number,
    /** Among what that brought, from 1. */
    readonly index: number,
    readonly message: string,
  ) {}

  /** `<lane><number>.<index>`; settling presents it. Made when it is asked for: most are acknowledged by {@link tokensOf}. */
  get token(): string {
    return `${this.lane}${this.number}.${this.index}`;
  }
}

/** Names what a take brought, as take.lua keeps it. @param lanes a letter for each, `-` for one that is settled */
export function heldOf(number: number, lanes: string, messages: readonly string[]): Held[] {
  const held: Held[] = [];
  for (let index = 0; index < lanes.length; index++) {
    const lane = lanes[index]!;
    if (lane !== '-') held.push(new Held(lane as Lane, number, index + 1, messages[held.length]!));
  }
  return held;
}

/** The tokens of what is held, those that follow each other in one: `b12.3-40`. */
export function tokensOf(all: readonly Held[]): string[] {
  const tokens: string[] = [];
  for (let from = 0, to = 0; from < all.length; from = to) {
    const { lane, number, index, token } = all[from]!;
    to = from + 1;
    while (to < all.length && isAt(all[to]!, lane, number, index + to - from)) to += 1;
    tokens.push(to - from === 1 ? token : `${token}-${index + to - from - 1}`);
  }
  return tokens;
}

function isAt(held: Held, lane: Lane, number: number, index: number): boolean {
  return held.index === index && held.number === number && held.lane === lane;
}
