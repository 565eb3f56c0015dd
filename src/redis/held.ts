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
  for (let next = 0; next < all.length; ) {
    const { lane, number, index, token } = all[next]!;
    let last = index;
    for (next += 1; next < all.length && follows(all[next]!, lane, number, last); next += 1) last += 1;
    tokens.push(last === index ? token : `${token}-${last}`);
  }
  return tokens;
}

function follows(held: Held, lane: Lane, number: number, last: number): boolean {
  return held.index === last + 1 && held.number === number && held.lane === lane;
}
