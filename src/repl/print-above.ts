import { Console } from 'node:console';
import { writeSync } from 'node:fs';
import { clearScreenDown, cursorTo, moveCursor } from 'node:readline';
import type { Writable } from 'node:stream';
import type { REPLServer } from 'node:repl';
import { hasColour } from '../cli/output.js';

/** Prints above the line that is being typed. Printed into it, the text would break the line apart. */
export class PrintAbove {
  constructor(
    private readonly prompt: REPLServer,
    private readonly output: NodeJS.WriteStream & { readonly fd: number },
    private readonly isBusy: () => boolean,
  ) {}

  /** Prints whole lines. @param text ends with a line break */
  write(text: string): void {
    if (!this.prompt.terminal) this.output.write(text);
    else if (this.isBusy()) this.#writeNow(text);
    else this.#writeAbove(text);
  }

  /** The `console` for code that runs at the prompt or in the background. */
  console(): Console {
    // Not a real stream: Ctrl-C in an endless loop that prints would stop a stream in the middle of a write, and it would hang.
    const stream = { write: (text: string) => this.write(text) } as unknown as Writable;
    return new Console({ stdout: stream, stderr: stream, ignoreErrors: false, colorMode: hasColour() });
  }

  /**
   * Prints what this process writes to a stream above the line that is being typed, such as warnings of a queue on stderr.
   *
   * @returns a function that ends this
   */
  redirect(stream: NodeJS.WriteStream): () => void {
    if (!this.prompt.terminal || stream.isTTY !== true) return () => {};
    const write = stream.write.bind(stream);
    stream.write = (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
      this.write(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString());
      const written = rest.find((one) => typeof one === 'function') as (() => void) | undefined;
      if (written) process.nextTick(written);
      return true;
    };
    return () => {
      stream.write = write;
    };
  }

  #writeAbove(text: string): void {
    const { rows } = this.prompt.getCursorPos();
    moveCursor(this.output, 0, -rows);
    cursorTo(this.output, 0);
    clearScreenDown(this.output);
    this.output.write(text);
    this.prompt.displayPrompt(true);
  }

  #writeNow(text: string): void {
    for (let rest = Buffer.from(text); rest.length > 0;) {
      try {
        rest = rest.subarray(writeSync(this.output.fd, rest));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      }
    }
  }
}
