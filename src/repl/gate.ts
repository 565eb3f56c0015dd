import { PassThrough } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';

const ctrlC = '\u0003';
const endOfLine = /(?<=[\r\n])/;

/**
 * Input for the prompt. Holds input back while a line runs, so that pasted, piped or early typed lines run one after the other.
 * Ctrl-C is handled at once.
 */
export class Gate extends PassThrough {
  /** Read by readline. */
  readonly isTTY: boolean;
  /** Returns true while a line runs. */
  isHeld: () => boolean = () => false;
  /** Called on Ctrl-C. @returns true if it stopped running code; if false, the prompt gets Ctrl-C and clears its line */
  onInterrupt: () => boolean = () => false;
  #kept = '';
  #isPassing = false;
  #hasEnded = false;

  constructor(private readonly source: NodeJS.ReadStream) {
    super();
    this.isTTY = source.isTTY === true;
    source.setEncoding('utf8');
    source.on('data', this.#take);
    source.once('end', () => {
      this.#hasEnded = true;
      void this.#pass();
    });
  }

  setRawMode(isRaw: boolean): this {
    if (this.isTTY) this.source.setRawMode(isRaw);
    return this;
  }

  /** Call it when a line has ended. */
  release(): void {
    void this.#pass();
  }

  /** Stops reading, so that the process can exit. */
  close(): void {
    this.source.off('data', this.#take);
    this.source.pause();
  }

  readonly #take = (bytes: string): void => {
    // Outside raw mode a terminal sends Enter as a line feed. Readline would ignore it as the second half of "\r\n".
    const text = this.isTTY ? bytes.replaceAll('\n', '\r') : bytes;
    const last = this.isTTY ? text.lastIndexOf(ctrlC) : -1;
    if (last >= 0 && this.onInterrupt()) {
      this.#kept = text.slice(last + 1); // Ctrl-C also discards early typed input, as in a shell
    } else {
      this.#kept += text;
    }
    void this.#pass();
  };

  async #pass(): Promise<void> {
    if (this.#isPassing) return;
    this.#isPassing = true;
    while (this.#kept !== '' && !this.isHeld()) {
      const [line = ''] = this.#kept.split(endOfLine, 1);
      this.#kept = this.#kept.slice(line.length);
      this.write(line);
      await nextTurn(); // gives the prompt time to start the line, if it is complete
    }
    this.#isPassing = false;
    if (this.#hasEnded && this.#kept === '' && !this.isHeld()) this.end();
  }
}
