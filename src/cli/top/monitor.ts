import { HotQueueError, RedisUnreachableError } from 'hotqueue';
import type { RedisFlags } from '../command.js';
import { sleep } from '../../core/timer.js';
import { paint } from '../output.js';
import { doing, perform } from './action.js';
import { frame } from './frame.js';
import { Screen } from './screen.js';
import type { TopSnapshot, TopSnapshots } from './snapshot.js';
import { afterKey, stateOf, withSnapshot, type Action, type Key, type State } from './state.js';
import { steadyNow } from '../clock.js';

/** Time between two drawings without new data: ages grow, and the screen can say that Redis does not answer. */
const clockMs = 500;

/** Takes snapshots, draws them, and runs the actions of keys, until the user quits or a signal aborts. */
export class Monitor {
  readonly #screen = new Screen(
    (key) => this.#guarded(() => this.#key(key)),
    () => this.#guarded(() => this.#draw()),
  );
  #state: State;
  #isOver = false;
  /** Ends the pause before the next snapshot. */
  #nextNow = new AbortController();
  #quit: () => void = () => {};
  #fail: (error: unknown) => void = () => {};

  /** @param first a snapshot taken before: if Redis has never answered, an error message is better than an empty screen */
  constructor(
    private readonly snapshots: TopSnapshots,
    private readonly flags: RedisFlags,
    private readonly intervalMs: number,
    first: TopSnapshot,
  ) {
    this.#state = stateOf(first);
  }

  /** Runs until the end. Restores the terminal. @throws errors that are bugs; errors from Redis are shown on the screen */
  async run(signal: AbortSignal): Promise<void> {
    const clock = setInterval(() => this.#guarded(() => this.#draw()), clockMs);
    try {
      this.#screen.open();
      // Quitting does not wait for a snapshot or an action that is still waiting for Redis.
      await new Promise<void>((resolve, reject) => {
        [this.#quit, this.#fail] = [resolve, reject];
        signal.addEventListener('abort', () => resolve());
        if (signal.aborted) resolve();
        this.#takeSnapshots().catch(reject);
      });
    } finally {
      this.#isOver = true;
      this.#nextNow.abort();
      clearInterval(clock);
      this.#screen.close();
    }
  }

  async #takeSnapshots(): Promise<void> {
    while (!this.#isOver) {
      this.#draw();
      this.#nextNow = new AbortController();
      await this.#takeSnapshot();
      this.#draw();
      const intervalMs = this.#state.refusal === undefined ? this.intervalMs : Math.max(1_000, this.intervalMs);
      await sleep(intervalMs, this.#nextNow.signal);
    }
  }

  async #takeSnapshot(): Promise<void> {
    this.#change({ askedAt: this.#state.askedAt ?? steadyNow() });
    try {
      const snapshot = await this.snapshots.take(this.#screen.size.rows, this.#state.selected);
      this.#state = withSnapshot(this.#state, snapshot); // reads the state again, because keys may have changed it meanwhile
      this.#change({ askedAt: steadyNow() });
      await this.snapshots.watch();
      this.#change({ askedAt: undefined });
    } catch (error) {
      // Keeps `askedAt`, so that the screen shows how long Redis has not answered. The next snapshot tries again.
      if (this.#isOver || error instanceof RedisUnreachableError) return;
      // A server can refuse one command and answer others: a full server refuses `watch`, but still returns counts.
      this.#change({ askedAt: undefined, refusal: refusalOf(error) });
    }
  }

  #key(key: Key): void {
    const { selected } = this.#state;
    const { state, action, isEnd } = afterKey(this.#state, key);
    this.#state = state;
    if (isEnd) return this.#quit();
    if (action) this.#perform(action).catch(this.#fail);
    if (state.selected !== selected) this.#nextNow.abort(); // the next messages of this queue are not loaded yet
    this.#draw();
  }

  async #perform(action: Action): Promise<void> {
    this.#change({ doing: `${doing[action.verb]} ${action.queue}` });
    try {
      this.#change({ note: await perform(action, this.flags) });
    } catch (error) {
      this.#change({ note: refusalOf(error) });
    } finally {
      this.#change({ doing: undefined });
    }
    this.#nextNow.abort();
    this.#draw();
  }

  #draw(): void {
    if (!this.#isOver)
      this.#screen.draw(frame(this.#state, steadyNow(), this.#screen.size, (style, text) => paint(style, text)));
  }

  #change(changes: Partial<State>): void {
    this.#state = { ...this.#state, ...changes };
  }

  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#fail(error);
    }
  }
}

/** The message of an error from Redis or this library. Throws any other error, because it is a bug. */
function refusalOf(error: unknown): string {
  if (error instanceof HotQueueError || (error instanceof Error && error.name === 'ReplyError')) return error.message;
  throw error;
}
