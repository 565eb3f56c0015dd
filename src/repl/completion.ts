import type { AsyncCompleter } from 'node:readline';

/** Matches the start of a queue name in `new HotQueue('…`. */
const inQuotes = /new\s+HotQueue\s*\(\s*(['"`])([\w.:-]*)$/;

export interface Completing {
  /** Names of the dot commands that take a queue. */
  readonly takesQueue: readonly string[];
  /** Reads the names of all queues. */
  readonly names: () => Promise<readonly string[]>;
  /** Node's own completer, for variables and methods. */
  readonly node: AsyncCompleter;
}

/** Completes names of queues where a queue name is expected, and leaves the rest to Node's completer. */
export function completer({ takesQueue, names, node }: Completing): AsyncCompleter {
  const behindDot = new RegExp(`^\\.(?:${takesQueue.join('|')})\\s+([\\w.:-]*)$`);
  return (line, done) => {
    const begun = inQuotes.exec(line)?.[2] ?? behindDot.exec(line)?.[1];
    if (begun === undefined) return node(line, done);
    names().then(
      (all) => done(null, [all.filter((name) => name.startsWith(begun)), begun]),
      () => done(null, [[], begun]), // without Redis, there are no names to offer
    );
  };
}
