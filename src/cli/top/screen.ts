import { emitKeypressEvents } from 'node:readline';
import type { Key } from './state.js';

// Alternate screen, no cursor, no line wrapping: if a character is wider than expected, only its own row is damaged.
const openPage = '\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J';
const closePage = '\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l';

/** The alternate screen of the terminal. {@link close} restores what was there before, including the cursor. */
export class Screen {
  #drawn: readonly string[] = [];
  #isOpen = false;

  /**
   * @param onKey called for each key, if stdin is a terminal
   * @param onResize called when the size has changed; the screen is empty then
   */
  constructor(
    private readonly onKey: (key: Key) => void,
    private readonly onResize: () => void,
    private readonly output: NodeJS.WriteStream = process.stdout,
    private readonly input: NodeJS.ReadStream = process.stdin,
  ) {}

  get size(): { columns: number; rows: number } {
    return { columns: this.output.columns || 80, rows: this.output.rows || 24 };
  }

  open(): void {
    this.#isOpen = true;
    // Node prints an uncaught error after this event: then the normal screen is back, and the error stays visible.
    process.on('uncaughtExceptionMonitor', this.close);
    process.on('exit', this.close);
    this.output.write(openPage);
    this.output.on('resize', this.#resized);
    if (this.input.isTTY !== true) return;
    emitKeypressEvents(this.input);
    this.input.setRawMode(true);
    this.input.on('keypress', this.#pressed);
    this.input.resume();
  }

  /**
   * Writes only the rows that have changed. It erases a row before it writes it: after a row of full width, the cursor is still on the
   * last column, and most terminals would erase what stands there.
   */
  draw(lines: readonly string[]): void {
    if (!this.#isOpen) return;
    const rows = Math.max(lines.length, this.#drawn.length);
    let written = '';
    for (let row = 0; row < rows; row++) {
      const line = lines[row] ?? '';
      if (line !== (this.#drawn[row] ?? '')) written += `\x1b[${row + 1};1H\x1b[K${line}\x1b[0m`;
    }
    this.#drawn = [...lines];
    if (written !== '') this.output.write(written);
  }

  readonly close = (): void => {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    process.off('uncaughtExceptionMonitor', this.close);
    process.off('exit', this.close);
    this.output.off('resize', this.#resized);
    this.input.off('keypress', this.#pressed);
    if (this.input.isTTY === true) this.input.setRawMode(false);
    this.input.pause();
    this.output.write(closePage);
  };

  readonly #pressed = (_text: string | undefined, key: Key): void => this.onKey(key);

  readonly #resized = (): void => {
    this.#drawn = [];
    this.output.write('\x1b[2J');
    this.onResize();
  };
}
