/** Shows progress: a bar on a terminal, otherwise one line per second. */
import { clearLine, cursorTo } from 'node:readline';
import { stripVTControlCharacters, styleText } from 'node:util';

export interface Tally {
  readonly total: number;
  readonly done: number;
  /** Number of failed attempts that are retried. */
  readonly retried?: number;
  readonly dead?: number;
}

/** Output for the progress: `process.stdout`, or a stream with the same properties. */
export type Screen = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };

/** Adds colours if the screen supports them and NO_COLOR is not set. */
export type Paint = (format: Parameters<typeof styleText>[0], text: string) => string;
export const paintOn =
  (screen: Screen): Paint =>
  (format, text) =>
    styleText(format, text, { stream: screen });

const plain: Paint = (_, text) => text;
const longestBar = 32;
const shortestBar = 6;

/**
 * One line of at most `width` columns, such as `███████░░░░░ 12/26  8.1/s  2 retried  1 dead  2 s left`. The bar fills the space
 * that the numbers leave. If there is too little space, the line has no bar.
 */
export function progressLine(tally: Tally, elapsedMs: number, width = Infinity, paint = plain): string {
  const { total, done, retried = 0, dead = 0 } = tally;
  const settled = done + dead;
  const rate = elapsedMs > 0 ? settled / (elapsedMs / 1000) : 0;
  const numbers = [
    `${settled}/${total}`,
    `${rate.toFixed(1)}/s`,
    retried > 0 && paint('yellow', `${retried} retried`),
    dead > 0 && paint('red', `${dead} dead`),
    settled < total && rate > 0 && `${seconds((total - settled) / rate)} left`,
  ].filter(Boolean);
  const text = numbers.join('  ');
  const length = stripVTControlCharacters(text).length;
  const room = Math.min(longestBar, width - length - 1);
  if (room >= shortestBar) return `${bar(total === 0 ? 1 : settled / total, room, paint)} ${text}`;
  return length <= width ? text : stripVTControlCharacters(text).slice(0, Math.max(0, width));
}

function bar(share: number, width: number, paint: Paint): string {
  const full = Math.round(Math.min(1, share) * width);
  return paint('green', '█'.repeat(full)) + paint('gray', '░'.repeat(width - full));
}

function seconds(left: number): string {
  const whole = Math.ceil(left);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** Shows a tally until `end()` is called. */
export class Progress {
  readonly #beganAt = performance.now();
  readonly #isTerminal: boolean;
  readonly #timer: NodeJS.Timeout;

  constructor(
    private readonly label: string,
    private readonly tally: () => Tally,
    private readonly screen: Screen = process.stdout,
  ) {
    this.#isTerminal = screen.isTTY === true && process.env.TERM !== 'dumb';
    this.#timer = setInterval(() => this.#show(), this.#isTerminal ? 100 : 1000);
    if (this.#isTerminal) this.#show();
  }

  get elapsedMs(): number {
    return performance.now() - this.#beganAt;
  }

  /** Prints a separate line, on a terminal above the bar. */
  say(line: string): void {
    this.#rub();
    this.screen.write(`${line}\n`);
    if (this.#isTerminal) this.#show();
  }

  /** Leaves the last state on the screen. */
  end(): void {
    clearInterval(this.#timer);
    this.#show();
    if (this.#isTerminal) this.screen.write('\n');
  }

  #show(): void {
    const paint = this.#isTerminal ? paintOn(this.screen) : plain;
    // One column stays free, because a full line wraps on some terminals.
    const width = this.#isTerminal ? (this.screen.columns || 80) - this.label.length - 2 : Infinity;
    this.#rub();
    this.screen.write(
      `${this.label} ${progressLine(this.tally(), this.elapsedMs, width, paint)}${this.#isTerminal ? '' : '\n'}`,
    );
  }

  #rub(): void {
    if (!this.#isTerminal) return;
    cursorTo(this.screen, 0);
    clearLine(this.screen, 0);
  }
}
