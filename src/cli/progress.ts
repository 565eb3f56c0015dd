import { clearLine, cursorTo } from 'node:readline';
import { count, paint, widthOf } from './output.js';
import { cutTo } from './text-width.js';

export interface Progress {
  /** @param done number of messages so far; @param part share of the whole, 0 to 1, if the whole is known */
  show(done: number, part?: number): void;
  /** Removes the bar. The caller prints the result. */
  end(): void;
}

/** Time between two drawings. People do not see faster changes. */
const frameMs = 100;

/** A progress line on a terminal. Draws nothing if the stream is not a terminal. */
export function progressOn(
  stream: NodeJS.WriteStream = process.stderr,
  now: () => number = () => performance.now(),
): Progress {
  if (stream.isTTY !== true || process.env['TERM'] === 'dumb') return { show: () => {}, end: () => {} };
  const beganAt = now();
  let drawnAt = beganAt; // no bar for work that takes less than one frame
  let isDrawn = false;
  return {
    show(done, part) {
      if (now() - drawnAt < frameMs) return;
      drawnAt = now();
      cursorTo(stream, 0);
      stream.write(frame(done, part, now() - beganAt, stream));
      clearLine(stream, 1);
      isDrawn = true;
    },
    end() {
      if (!isDrawn) return;
      cursorTo(stream, 0);
      clearLine(stream, 0);
    },
  };
}

function frame(done: number, part: number | undefined, elapsedMs: number, stream: NodeJS.WriteStream): string {
  const rate = Math.round((done * 1_000) / Math.max(1, elapsedMs));
  const words = `${count(done, 'message')}  ${rate.toLocaleString('en')}/s`;
  const room = widthOf(stream) - 1;
  if (part === undefined) return cutTo(words, room);
  const width = Math.min(30, room - words.length - 8);
  const percent = `${Math.floor(part * 100)}%`.padStart(4);
  return width < 5
    ? cutTo(`${percent}  ${words}`, room)
    : `${paint('cyan', bar(part, width), stream)} ${percent}  ${words}`;
}

const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** A bar for a share from 0 to 1, padded to `width` columns. Its length has steps of an eighth of a column. */
export function bar(part: number, width: number): string {
  const filled = Math.round(Math.min(1, Math.max(0, part)) * width * 8);
  return ('█'.repeat(filled >> 3) + eighths[filled & 7]!).padEnd(width);
}
