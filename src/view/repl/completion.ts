import type { AsyncCompleter } from 'node:readline';

/** Where the name of a queue stands: in `new HotQueue('…`, and behind the dot commands that take one. */
const inQuotes = /new\s+HotQueue\s*\(\s*(['"`])([\w.:-]*)$/;

export interface Completing {
  /** Of dot commands that take a queue. */
  readonly takesQueue: readonly string[];
  /** The names of the queues there are. */
  readonly names: () => Promise<readonly string[]>;
  /** Node's own: variables, and the methods of what they hold. */
  readonly node: AsyncCompleter;
}

/** Completes what is typed: names of queues where one is due, else what Node knows. */
export function completer({ takesQueue, names, node }: Completing): AsyncCompleter {
  const behindDot = new RegExp(`^\\.(?:${takesQueue.join('|')})\\s+([\\w.:-]*)$`);
  return (line, done) => {
    const begun = inQuotes.exec(line)?.[2] ?? behindDot.exec(line)?.[1];
    if (begun === undefined) return node(line, done);
    names().then(
      (all) => done(null, [all.filter((name) => name.startsWith(begun)), begun]),
      () => done(null, [[], begun]), // no Redis, no names
    );
  };
}
