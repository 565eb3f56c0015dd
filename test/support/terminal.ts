import { spawn, type IPty } from '@lydell/node-pty';
import headless from '@xterm/headless';
import { inject, onTestFinished } from 'vitest';
import { until } from './facts.js';

const root = new URL('../..', import.meta.url).pathname;

/** Sequences that a terminal sends for special keys: `screen.type(keys.up)`. */
export const keys = {
  enter: '\r',
  tab: '\t',
  escape: '\x1b',
  backspace: '\x7f',
  ctrlC: '\x03',
  ctrlD: '\x04',
  ctrlL: '\x0c',
  up: '\x1b[A',
  down: '\x1b[B',
  right: '\x1b[C',
  left: '\x1b[D',
} as const;

export interface TerminalOptions {
  readonly cols?: number;
  readonly rows?: number;
  readonly cwd?: string;
  /** The whole environment except `TERM`. By default that of this process, without the variables for colours. */
  readonly env?: NodeJS.ProcessEnv;
}

/** The words that run `hotqueue …` from the sources. */
export const hotqueueWords = (...args: readonly string[]): string[] => [
  process.execPath,
  inject('programMain'),
  ...args,
];

/**
 * Runs a command in a pseudo-terminal and renders its output. The command is killed after the test.
 *
 * @param command the program and its arguments, such as `hotqueueWords('repl')`
 */
export async function aTerminal(
  command: readonly string[],
  { cols = 80, rows = 24, cwd = root, env = ownEnv() }: TerminalOptions = {},
): Promise<Terminal> {
  const [file = '', ...args] = command;
  const pty = spawn(file, args, { name: 'xterm-256color', cols, rows, cwd, env: { ...env, TERM: 'xterm-256color' } });
  const terminal = new Terminal(pty, cols, rows);
  onTestFinished(() => terminal.end());
  return terminal;
}

/**
 * After a character in the last column, the cursor of a terminal stays on that column until the next character: erasing to the end
 * of the row erases it. xterm.js counts the cursor as behind the row, and would erase nothing.
 */
function eraseLikeOtherTerminals(screen: headless.Terminal): void {
  screen.parser.registerCsiHandler({ final: 'K' }, () => {
    const { buffer } = (screen as unknown as { _core: { buffer: { x: number } } })._core;
    if (buffer.x >= screen.cols) buffer.x = screen.cols - 1;
    return false;
  });
}

function ownEnv(): NodeJS.ProcessEnv {
  const { NO_COLOR: _no, FORCE_COLOR: _force, CI: _ci, ...rest } = process.env;
  return rest;
}

/** The new part of a text. A changed line, such as that of a prompt, is new as a whole. */
function newIn(text: string, old: string): string {
  if (text.startsWith(old)) return text.slice(old.length);
  let same = 0;
  while (text[same] === old[same]) same += 1;
  return text.slice(text.lastIndexOf('\n', same - 1) + 1);
}

/** A terminal with a running program: types keys, and reads the screen. */
export class Terminal {
  /**
   * Resolves with the exit code, or with the negative number of the signal that ended the program, when the screen shows all
   * that the program has written: it draws later than it is told to.
   */
  readonly ended: Promise<number>;
  /** The whole output, with control sequences. */
  raw = '';
  readonly #pty: IPty;
  readonly #screen: headless.Terminal;
  #hasEnded = false;
  /** The {@link history} at the last {@link forget}. */
  #forgotten = '';

  constructor(pty: IPty, cols: number, rows: number) {
    this.#pty = pty;
    this.#screen = new headless.Terminal({ cols, rows, scrollback: 5_000, allowProposedApi: true });
    eraseLikeOtherTerminals(this.#screen);
    // Replies to queries of the program, such as for the cursor position.
    this.#screen.onData((answer) => this.#hasEnded || pty.write(answer));
    pty.onData((text) => {
      this.raw += text;
      this.#screen.write(text);
    });
    this.ended = new Promise((resolve) => {
      pty.onExit(({ exitCode, signal }) => {
        this.#hasEnded = true;
        this.#screen.write('', () => resolve(signal ? -signal : exitCode));
      });
    });
  }

  get pid(): number {
    return this.#pty.pid;
  }

  /** Sends keys; `\n` is Enter. */
  type(text: string): void {
    this.#pty.write(text.replaceAll('\n', keys.enter));
  }

  /** Sends a line, with Enter. */
  enter(line: string): void {
    this.type(`${line}\n`);
  }

  /** The current rows of the screen, without trailing spaces and without empty rows at the end. */
  get text(): string {
    const { baseY } = this.#screen.buffer.active;
    return this.#rows(baseY)
      .map(({ text }) => text)
      .join('\n')
      .trimEnd();
  }

  /** The last column of each row of the screen. */
  get lastColumn(): string[] {
    const { active } = this.#screen.buffer;
    const last = this.#screen.cols - 1;
    return Array.from(
      { length: this.#screen.rows },
      (_, row) =>
        active
          .getLine(active.baseY + row)
          ?.getCell(last)
          ?.getChars() ?? '',
    );
  }

  /** All rows from the first on, including scrolled ones. Wrapped rows are joined. */
  get history(): string {
    return this.#rows(0)
      .reduce((all, { text, isWrapped }) => (isWrapped ? all + text : `${all}\n${text}`), '')
      .slice(1)
      .trimEnd();
  }

  /** The {@link history} since {@link forget}. */
  get shown(): string {
    return newIn(this.history, this.#forgotten);
  }

  /** Waits until the {@link history} since {@link forget} matches. @throws an error with the current screen after `withinMs` */
  async shows(pattern: RegExp | string, withinMs = 20_000): Promise<void> {
    try {
      await until(
        () => (typeof pattern === 'string' ? this.shown.includes(pattern) : pattern.test(this.shown)),
        Boolean,
        withinMs,
      );
    } catch {
      throw new Error(
        `the screen does not show ${String(pattern)}${this.#hasEnded ? ', and its program has ended' : ''}. It shows:\n${this.text}`,
      );
    }
  }

  /** Makes {@link shows} ignore everything up to now. It does not work for programs that redraw the screen. */
  forget(): void {
    this.#forgotten = this.history;
  }

  resize(cols: number, rows: number): void {
    this.#screen.resize(cols, rows);
    this.#pty.resize(cols, rows);
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<number> {
    if (!this.#hasEnded) this.#pty.kill(signal);
    return this.ended;
  }

  /** Kills the program if it still runs, and frees the screen. */
  async end(): Promise<void> {
    await this.kill();
    this.#screen.dispose();
  }

  #rows(from: number): { text: string; isWrapped: boolean }[] {
    const { active } = this.#screen.buffer;
    return Array.from({ length: active.length - from }, (_, index) => {
      const line = active.getLine(from + index);
      return { text: line?.translateToString(true) ?? '', isWrapped: line?.isWrapped ?? false };
    });
  }
}
