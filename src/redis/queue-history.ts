import type { HistoryBounds } from '../core/options/queue-values.js';
import type { Connection, Patience } from './connection.js';
import type { Keys } from './keys.js';
import type { ScriptCall } from './script-calls.js';
import type { ScriptName } from './scripts.js';

/** Stored in place of terms: another process has ended the history. */
const off = 'off';
/** Another process may have turned the history on or off. */
const learnEveryMs = 60_000;

/**
 * Whether a queue has a history, and the calls of its scripts. All queues of a process with the same name and connection share one.
 *
 * The field `history` of the queue's meta decides, so that all processes agree. A process with the option writes it with its first call.
 * Others read it with their first call, and then once a minute, beside other calls.
 */
export class QueueHistory {
  static readonly #shared = new WeakMap<Connection, Map<string, QueueHistory>>();

  static of(connection: Connection, keys: Keys): QueueHistory {
    const all = QueueHistory.#shared.get(connection) ?? new Map<string, QueueHistory>();
    QueueHistory.#shared.set(connection, all);
    const history = all.get(keys.base) ?? new QueueHistory(connection, keys);
    all.set(keys.base, history);
    return history;
  }

  /** As in `_history.lua`; `''` without a history. */
  #terms = '';
  /** What the option of this process asks for. */
  #wanted: string | undefined;
  #isStored = false;
  /** Monotonic ms; `-Infinity` before the first call. */
  #learnedAt = -Infinity;
  #learning: Promise<void> | undefined;

  private constructor(
    private readonly connection: Connection,
    private readonly keys: Keys,
  ) {}

  /** From the next call on the queue has this history in all processes; `false`: none. */
  want(terms: HistoryBounds | false): void {
    this.#wanted = terms === false ? off : written(terms);
    this.#isStored = false;
    this.#learnedAt = -Infinity;
  }

  /** Runs a script, in the version that the queue needs. */
  run(
    name: ScriptName,
    keys: readonly string[],
    args: readonly (string | number | Buffer)[],
    patience?: Patience,
  ): Promise<unknown> {
    const learning = performance.now() - this.#learnedAt > learnEveryMs ? this.#refresh(patience) : undefined;
    if (!learning && this.#terms === '') return this.connection.script(name, keys, args, patience);
    return learning
      ? learning.then(() => this.#send(name, keys, args, patience))
      : this.#send(name, keys, args, patience);
  }

  #send(
    name: ScriptName,
    keys: readonly string[],
    args: readonly (string | number | Buffer)[],
    patience?: Patience,
  ): Promise<unknown> {
    if (this.#terms === '') return this.connection.script(name, keys, args, patience);
    return this.connection.script(name, [...keys, this.keys.history], [this.#terms, ...args], patience, true);
  }

  /** The same for a caller that sends the script by itself. It does not learn: such a caller has called {@link run} before. */
  prepared(call: ScriptCall): ScriptCall {
    if (this.#terms === '') return call;
    return { ...call, keys: [...call.keys, this.keys.history], args: [this.#terms, ...call.args], hasHistory: true };
  }

  /** What other processes have decided; reads it now. `undefined`: no history. */
  async terms(patience: Patience): Promise<HistoryBounds | undefined> {
    await this.#learn(patience);
    return read(this.#terms);
  }

  /** Only the first call waits. */
  #refresh(patience: Patience | undefined): Promise<void> | undefined {
    const isFirst = this.#learnedAt === -Infinity;
    if (isFirst) return (this.#learning ??= this.#learn(patience).finally(() => (this.#learning = undefined)));
    this.#learnedAt = performance.now();
    this.#learn({ withinMs: 0 }).catch(() => undefined); // in a minute again
    return undefined;
  }

  async #learn(patience: Patience | undefined): Promise<void> {
    const { meta } = this.keys;
    const [wanted, isStored] = [this.#wanted, this.#isStored];
    const terms = await this.connection.call(async (client) => {
      if (wanted !== undefined && !isStored) await client.hset(meta, 'history', wanted);
      // The queue may have been removed since; what another process has set stays.
      else if (wanted !== undefined) await client.hsetnx(meta, 'history', wanted);
      return client.hget(meta, 'history');
    }, patience);
    this.#terms = terms === null || terms === off ? '' : terms;
    if (this.#wanted === wanted) this.#isStored = wanted !== undefined;
    this.#learnedAt = performance.now();
  }
}

function written({ bound, hasPayload }: HistoryBounds): string {
  return `${'max' in bound ? `MAXLEN ${bound.max}` : `MINID ${bound.forMs}`}${hasPayload ? ' payload' : ''}`;
}

function read(text: string): HistoryBounds | undefined {
  const [, way, bound, payload] = /^(MAXLEN|MINID) (\d+)( payload)?$/.exec(text) ?? [];
  if (way === undefined) return undefined;
  return {
    bound: way === 'MAXLEN' ? { max: Number(bound) } : { forMs: Number(bound) },
    hasPayload: payload !== undefined,
  };
}
