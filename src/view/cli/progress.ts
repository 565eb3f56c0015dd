import { clearLine, cursorTo } from 'node:readline';
import { count, cut, paint, widthOf } from './output.js';

export interface Progress {
  /** @param done how many messages; @param part of the whole, 0 to 1, where the whole is known */
  tell(done: number, part?: number): void;
  /** Takes the bar away: the result is said elsewhere. */
  end(): void;
}

/** Between two drawings: a person sees no more. */
const frameMs = 100;

/** One line that is drawn again and again on a terminal; nothing at all where nobody looks. */
export function progressOn(stream: NodeJS.WriteStream = process.stderr, now: () => number = Date.now): Progress {
  if (stream.isTTY !== true || process.env['TERM'] === 'dumb') return { tell: () => {}, end: () => {} };
  const beganAt = now();
  let drawnAt = beganAt; // what is over within a frame needs no bar
  let isDrawn = false;
  return {
    tell(done, part) {
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
  if (part === undefined) return cut(words, room);
  const width = Math.min(30, room - words.length - 8);
  const percent = `${Math.floor(part * 100)}%`.padStart(4);
  return width < 5 ? cut(`${percent}  ${words}`, room) : `${paint('cyan', bar(part, width), stream)} ${percent}  ${words}`;
}

const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** So much of so many columns, in steps of an eighth of one; always `width` columns wide. */
export function bar(part: number, width: number): string {
  const filled = Math.round(Math.min(1, Math.max(0, part)) * width * 8);
  return ('█'.repeat(filled >> 3) + eighths[filled & 7]!).padEnd(width);
}
