import { inspect } from 'node:util';
import { HotQueue, HotQueueError, type Counts } from 'hotqueue';
import { hasColour, paint, safe } from '../cli/output.js';

const patienceMs = 2_000;

/** Formats values for the prompt: a queue with its counts, an error of this library as one sentence. */
export class Writer {
  readonly #counts = new WeakMap<HotQueue, string>();

  /** Reads the counts of a queue before it is printed, because Node formats values synchronously. */
  async prepare(value: unknown): Promise<void> {
    if (!isQueue(value)) return;
    const asked = value.counts().then(countsLine, () => undefined);
    const line = await Promise.race([
      asked,
      new Promise<undefined>((resolve) => setTimeout(resolve, patienceMs, undefined).unref()),
    ]);
    if (line === undefined) this.#counts.delete(value);
    else this.#counts.set(value, line);
  }

  readonly write = (value: unknown): string => safe(this.#textOf(value));

  #textOf(value: unknown): string {
    if (value instanceof HotQueueError) return `${value.name}: ${value.message}`;
    if (value instanceof Error) return withoutOurFrames(inspect(value, { colors: hasColour() }));
    const counts = isQueue(value) && this.#counts.get(value);
    return counts ? `${paint('cyan', `HotQueue<${value.name}>`)} ${counts}` : inspect(value, { colors: hasColour() });
  }
}

const isQueue = (value: unknown): value is HotQueue => value instanceof HotQueue;

/** `3 waiting, 1 active`, plus delayed and dead if there are any. */
export function countsLine({ waiting, active, delayed, dead }: Counts): string {
  const rest = [delayed > 0 && `${delayed} delayed`, dead > 0 && `${dead} dead`].filter((part) => part !== false);
  return [`${waiting} waiting`, `${active} active`, ...rest].join(', ');
}

/** Removes the stack frames of the prompt itself: the user looks for frames of the typed code. */
function withoutOurFrames(text: string): string {
  return text.replace(
    // eslint-disable-next-line no-control-regex
    /\n(?:\u001b\[\d+m)*\s+at [^\n]*(?:node:|\/(?:src|dist)\/repl\/|prompt:\d+:\d+)[^\n]*/g,
    (line) => (line.endsWith(' {') ? ' {' : ''),
  );
}
