import { hasEnded, type JobStatus } from '../core/job.js';
import { pack } from '../wire/pack.js';
import type { Connection, Patience } from './connection.js';
import type { Keys } from './keys.js';
import { QueueHistory } from './queue-history.js';
import type { EndedParents, FlowJob, ParentEnd, ParentEndReply, StoredParent, WaitTerms } from './flow-transitions.js';

/** How long Redis knows a call: longer than it is repeated. */
const producerMemoryMs = 600_000;
const parentsPerCall = 1_000;
/** So many jobs are notified in one call, and of ends with about so many characters, so that Redis is not busy for long. */
const childrenPerCall = 100;
const mostBytes = 1_048_576;
/** The decision whether a flow starts is kept so long if the process that puts it dies. */
const decisionMs = 2_592_000_000;

/** Jobs of one queue that wait for others, in Redis. */
export class FlowBroker {
  constructor(
    private readonly connection: Connection,
    private readonly keys: Keys,
    private readonly history = QueueHistory.of(connection, keys),
  ) {}

  /** block: notes what a job waits for, before it is put. */
  async block(id: string, lookInMs: number, what: WaitTerms, patience: Patience): Promise<void> {
    const keys = [this.keys.blocked, this.keys.parents(id)];
    for (let from = 0; from < what.parents.length; from += parentsPerCall) {
      const some = what.parents.slice(from, from + parentsPerCall);
      await this.history.run(
        'block',
        keys,
        [id, lookInMs, what.onFailure, storedInput(what), what.due, ...some],
        patience,
      );
    }
  }

  /**
   * put-flow: puts jobs of a flow that travel together.
   *
   * @param producer a new id: with it, a repeated call stores nothing
   * @param terms `afterParents`: due time of those that wait for others; `lookMs`: after how many ms maintenance looks at them; `mostParents`: a job
   *   with more parents has noted them by {@link block}
   */
  async put(
    producer: string,
    jobs: readonly FlowJob[],
    terms: { readonly afterParents: number; readonly lookMs: number; readonly mostParents: number },
    patience: Patience,
  ): Promise<void> {
    const { producers, delayed, delayedMessages, waiting, meta, jobIndexes, blocked } = this.keys;
    const keys = [producers + producer, delayed, delayedMessages, ...waiting, meta, ...jobIndexes, blocked];
    const words: string[] = [];
    for (const { id, lane, message, tracking, processId, children, namesChild, ends, after } of jobs) {
      keys.push(this.keys.job(id), this.keys.parents(id));
      const { keepMs, keepFailedMs, storesPayload } = tracking;
      const mark = children.length === 0 ? '' : namesChild ? '*' : '+'; // see `_jobs.lua`
      words.push(id, lane, message, `${mark}${keepMs} ${keepFailedMs} ${processId}`, storesPayload ? '1' : '0');
      words.push(children.length === 0 ? '' : JSON.stringify(children).slice(1, -1), ends);
      if (!after) words.push('', '', '', '');
      else {
        const { parents, onFailure, due } = after;
        words.push(onFailure, storedInput(after), due, parents.length > terms.mostParents ? '=' : parents.join('\n'));
      }
    }
    const args = [producerMemoryMs, jobs[0]!.tracking.by, terms.afterParents, terms.lookMs, pack(words)];
    await this.history.run('put-flow', keys, args, patience);
  }

  /** add-child: notes that another job waits for this one. @returns how this one ended; `undefined` if it has not, `'gone'` without a record */
  async addChild(id: string, child: string, patience: Patience): Promise<ParentEnd | 'gone' | undefined> {
    const reply = (await this.history.run('add-child', [this.keys.job(id)], [`"${child}"`], patience)) as string[];
    const [status = '', result = '', failure = ''] = reply;
    if (status === '') return 'gone';
    return hasEnded(status) ? { status: status as JobStatus, result, failure } : undefined;
  }

  /**
   * parent-ended: notifies jobs of this queue of the ends of their parents.
   *
   * @param notices names of notices in the outbox of this queue, which are delivered with this
   * @returns what happened to each job
   */
  async parentsEnded(
    children: readonly EndedParents[],
    notices: readonly string[],
    patience: Patience,
  ): Promise<ParentEndReply[]> {
    const replies: ParentEndReply[] = [];
    for (let from = 0; from < children.length;) {
      const words: string[] = [];
      const ids: string[] = [];
      let bytes = 0;
      for (; from < children.length && ids.length < childrenPerCall && bytes < mostBytes; from += 1) {
        const { id, ends } = children[from]!;
        ids.push(id);
        words.push(String(1 + 4 * ends.size), id);
        for (const [parent, { status, result, failure }] of ends) {
          words.push(parent, status, result, failure);
          bytes += parent.length + result.length + failure.length;
        }
      }
      const delivered = from === children.length ? notices : [];
      for (const [at, how] of (await this.#parentEnded(ids, words, delivered, patience)).entries())
        replies.push(how === 'more' ? await this.goOn(ids[at]!, patience) : how);
    }
    return replies;
  }

  /** parent-ended: goes on with a job whose payload is being built. The process that did it may have died. */
  async goOn(id: string, patience: Patience): Promise<ParentEndReply> {
    for (;;) {
      const [how] = await this.#parentEnded([id], ['1', id], [], patience);
      if (how !== 'more') return how!;
    }
  }

  async #parentEnded(
    ids: readonly string[],
    words: readonly string[],
    notices: readonly string[],
    patience: Patience,
  ): Promise<(ParentEndReply | 'more')[]> {
    const { blocked, delayed, delayedMessages, meta, jobIndexes, waiting } = this.keys;
    const keys = [blocked, delayed, delayedMessages, meta, ...jobIndexes, ...waiting];
    for (const id of ids) keys.push(this.keys.parents(id), this.keys.job(id));
    return (await this.history.run('parent-ended', keys, [pack(words), ...notices], patience)) as ParentEndReply[];
  }

  /** How a job has ended; `undefined` if it has not, or has no record. */
  async endOf(id: string, patience: Patience): Promise<ParentEnd | undefined> {
    const record = this.keys.job(id);
    const [status, result, failures] = await this.connection.call(
      (client) => client.hmget(record, 'status', 'result', 'failures'),
      patience,
    );
    if (!status || !hasEnded(status)) return undefined;
    const last = failures ? `failure:${(Number(failures) - 1) % 20}` : '';
    const failure = last === '' ? '' : await this.connection.call((client) => client.hget(record, last), patience);
    return { status: status as JobStatus, result: result ?? '', failure: failure ?? '' };
  }

  /** What a job waits for, in order; empty if it waits for nothing, or only for the start of its flow. */
  async parents(id: string, patience: Patience): Promise<StoredParent[]> {
    const key = this.keys.parents(id);
    const [order, policy] = await this.connection.call((client) => client.hmget(key, 'order', 'policy'), patience);
    if (!order || policy === 'start') return [];
    const texts = order.split('\n');
    const parents: StoredParent[] = [];
    for (let from = 0; from < texts.length; from += parentsPerCall) {
      const some = texts.slice(from, from + parentsPerCall);
      const names = some.flatMap((text) => [`=${text}`, `r${text}`, `e${text}`]);
      const read = await this.connection.call((client) => client.hmget(key, ...names), patience);
      for (const [at, text] of some.entries()) {
        const [how, result, failure] = read.slice(3 * at, 3 * at + 3);
        parents.push({ text, how: how ?? '', result: result ?? undefined, failure: failure ?? undefined });
      }
    }
    return parents;
  }

  /** For a job of a flow that has not started: the start for which it waits, see `refText`, and since when, Unix ms. */
  async startOf(
    id: string,
    patience: Patience,
  ): Promise<{ readonly text: string; readonly since: number } | undefined> {
    const key = this.keys.parents(id);
    const [policy, text, since] = await this.connection.call(
      (client) => client.hmget(key, 'policy', 'order', 'since'),
      patience,
    );
    return policy === 'start' && text ? { text, since: Number(since) } : undefined;
  }

  /** Whether a job has run, and another one continues it. */
  async isContinued(id: string, patience: Patience): Promise<boolean> {
    const key = this.keys.parents(id);
    return (await this.connection.call((client) => client.hget(key, 'policy'), patience)) === 'continue';
  }

  /** Decides once and for all whether a flow starts. @returns the decision, which another process may have made before */
  async decideStart(flow: string, starts: boolean, patience: Patience): Promise<boolean> {
    const key = this.keys.start(flow);
    return this.connection.call(async (client) => {
      await client.set(key, starts ? 'yes' : 'no', 'PX', decisionMs, 'NX');
      return (await client.get(key)) === 'yes';
    }, patience);
  }

  /** Whether a flow starts; `undefined` if that is not decided. */
  async startDecision(flow: string, patience: Patience): Promise<boolean | undefined> {
    const decision = await this.connection.call((client) => client.get(this.keys.start(flow)), patience);
    return decision === null ? undefined : decision === 'yes';
  }

  /** All jobs of a flow know that it starts. */
  async forgetStart(flow: string, patience: Patience): Promise<void> {
    await this.connection.call((client) => client.del(this.keys.start(flow)), patience);
  }

  /** Notes at a job which jobs end its flow, if these are several. @param ends see `flows/ends.ts`, or the job that has them */
  async linkEnds(id: string, ends: string, patience: Patience): Promise<void> {
    await this.connection.call((client) => client.hset(this.keys.job(id), 'ends', ends), patience);
  }

  /** The jobs that wait for one, see `refText`, and what {@link linkEnds} has noted. */
  async links(
    id: string,
    patience: Patience,
  ): Promise<{ readonly children: string[]; readonly ends: string | undefined }> {
    const [children, ends] = await this.connection.call(
      (client) => client.hmget(this.keys.job(id), 'children', 'ends'),
      patience,
    );
    return { children: children ? (JSON.parse(`[${children}]`) as string[]) : [], ends: ends ?? undefined };
  }

  /** Jobs that wait for others and were not looked at since a time. They count as looked at now. */
  async blockedBefore(time: number, now: number, most: number, patience: Patience): Promise<string[]> {
    const { blocked } = this.keys;
    const ids = await this.connection.call(
      (client) => client.zrangebyscore(blocked, '-inf', time, 'LIMIT', 0, most),
      patience,
    );
    if (ids.length > 0)
      await this.connection.call((client) => client.zadd(blocked, 'XX', ...ids.flatMap((id) => [now, id])), patience);
    return ids;
  }

  /** When it was noted what a job waits for, Unix ms; 0 if it waits for nothing. */
  async blockedSince(id: string, patience: Patience): Promise<number> {
    return Number((await this.connection.call((client) => client.hget(this.keys.parents(id), 'since'), patience)) ?? 0);
  }

  /** The job waits for nothing any more. */
  async forget(id: string, patience: Patience): Promise<void> {
    await this.connection.call((client) => client.zrem(this.keys.blocked, id), patience);
    await this.connection.call((client) => client.pexpire(this.keys.parents(id), 604_800_000), patience);
  }
}

/** As `parent-ended.lua` has it, which must not count the parents. */
function storedInput({ input, parents }: WaitTerms): string {
  return input === 'previous' && parents.length === 1 ? 'only' : input;
}
