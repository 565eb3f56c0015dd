import { setTimeout as pause } from 'node:timers/promises';
import { HotQueueError, RedisUnreachableError } from 'hotqueue';
import type { RedisFlags } from '../command.js';
import { paint } from '../output.js';
import { doing, perform } from './act.js';
import { frame } from './frame.js';
import { Screen } from './screen.js';
import type { Eyes, Sight } from './sight.js';
import { pressed, seen, stateOf, type Act, type Key, type State } from './state.js';

/** Between two drawings without any news: ages grow, and silence is noticed. */
const clockMs = 500;

/** Looks, draws, and does what keys ask for, until it is told to end. */
export class Monitor {
  readonly #screen = new Screen((key) => this.#guarded(() => this.#key(key)), () => this.#guarded(() => this.#draw()));
  #state: State;
  #isOver = false;
  /** Ends the pause before the next look. */
  #poke = new AbortController();
  #leave: () => void = () => {};
  #fail: (error: unknown) => void = () => {};

  /** @param first a look that succeeded: where Redis was never there, a sentence says more than an empty screen */
  constructor(
    private readonly eyes: Eyes,
    private readonly flags: RedisFlags,
    private readonly intervalMs: number,
    first: Sight,
  ) {
    this.#state = stateOf(first);
  }

  /** @throws what is no refusal of Redis, with the terminal as it was before */
  async run(signal: AbortSignal): Promise<void> {
    const clock = setInterval(() => this.#guarded(() => this.#draw()), clockMs);
    try {
      this.#screen.open();
      // A look or an act may be waiting for Redis: whoever wants to leave does not.
      await new Promise<void>((resolve, reject) => {
        [this.#leave, this.#fail] = [resolve, reject];
        signal.addEventListener('abort', () => resolve());
        if (signal.aborted) resolve();
        this.#looking().catch(reject);
      });
    } finally {
      this.#isOver = true;
      this.#poke.abort();
      clearInterval(clock);
      this.#screen.close();
    }
  }

  async #looking(): Promise<void> {
    while (!this.#isOver) {
      this.#draw();
      this.#poke = new AbortController();
      await this.#look();
      this.#draw();
      await pause(this.#state.refusal === undefined ? this.intervalMs : Math.max(1_000, this.intervalMs), undefined, { signal: this.#poke.signal }).catch(() => undefined);
    }
  }

  async #look(): Promise<void> {
    this.#change({ askedAt: this.#state.askedAt ?? Date.now() });
    try {
      const sight = await this.eyes.look(this.#screen.size.rows, this.#state.selected);
      this.#state = seen(this.#state, sight); // as it is now: keys were pressed meanwhile
      this.#change({ askedAt: Date.now() });
      await this.eyes.watch();
      this.#change({ askedAt: undefined });
    } catch (error) {
      // The moment since which nobody answers stands; the next look asks again.
      if (this.#isOver || error instanceof RedisUnreachableError) return;
      // A full server, for example, takes no watch, and still tells its counts.
      this.#change({ askedAt: undefined, refusal: refusalOf(error) });
    }
  }

  #key(key: Key): void {
    const { selected } = this.#state;
    const { state, act, isEnd } = pressed(this.#state, key);
    this.#state = state;
    if (isEnd) return this.#leave();
    if (act) this.#act(act).catch(this.#fail);
    if (state.selected !== selected) this.#poke.abort(); // what comes next on this one nobody has asked yet
    this.#draw();
  }

  async #act(act: Act): Promise<void> {
    this.#change({ doing: `${doing[act.verb]} ${act.queue}` });
    try {
      this.#change({ note: await perform(act, this.flags) });
    } catch (error) {
      this.#change({ note: refusalOf(error) });
    } finally {
      this.#change({ doing: undefined });
    }
    this.#poke.abort();
    this.#draw();
  }

  #draw(): void {
    if (!this.#isOver) this.#screen.draw(frame(this.#state, Date.now(), this.#screen.size, (style, text) => paint(style, text)));
  }

  #change(news: Partial<State>): void {
    this.#state = { ...this.#state, ...news };
  }

  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#fail(error);
    }
  }
}

/** A sentence for what Redis or the library refuses; anything else is our mistake, and thrown. */
function refusalOf(error: unknown): string {
  if (error instanceof HotQueueError || (error instanceof Error && error.name === 'ReplyError')) return error.message;
  throw error;
}
