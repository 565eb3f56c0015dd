import { PassThrough } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';

const ctrlC = '\u0003';
const endOfLine = /(?<=[\r\n])/;

/**
 * What is typed, on its way to the prompt: held back while a line runs, so that lines which were pasted, piped or typed ahead
 * run one after the other. Ctrl-C passes by it all.
 */
export class Gate extends PassThrough {
  /** As readline asks of a terminal. */
  readonly isTTY: boolean;
  /** Whether a line runs. */
  isHeld: () => boolean = () => false;
  /** @returns whether Ctrl-C was for what runs; else the prompt gets it, and clears its line */
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

  /** To be called when a line has ended. */
  release(): void {
    void this.#pass();
  }

  /** Reads no more, so that the process may end. */
  close(): void {
    this.source.off('data', this.#take);
    this.source.pause();
  }

  readonly #take = (bytes: string): void => {
    // Outside of raw mode a terminal gives Enter as a line feed, which readline takes for the rest of an earlier Enter.
    const text = this.isTTY ? bytes.replaceAll('\n', '\r') : bytes;
    const last = this.isTTY ? text.lastIndexOf(ctrlC) : -1;
    if (last >= 0 && this.onInterrupt()) {
      this.#kept = text.slice(last + 1); // what was typed ahead is forgotten, as a shell does
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
      await nextTurn(); // the prompt begins to run it, if it is a whole one
    }
    this.#isPassing = false;
    if (this.#hasEnded && this.#kept === '' && !this.isHeld()) this.end();
  }
}
