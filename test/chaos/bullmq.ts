import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { check, type Remains, type Verdict } from './checker.js';
import type { OwnChild } from './children.js';
import type { BullTask } from './bullmq-process.js';
import { History, Reader } from './history.js';
import type { World } from './world.js';

export type BullTerms = Pick<BullTask, 'lockMs' | 'stalledMs' | 'mostStalls' | 'concurrency'>;

/** BullMQ for comparison: its processes run on the same Redis and write their own history for the same checker. */
export class BullRival {
  readonly history: History;
  readonly #folder: string;
  readonly #reader: Reader;
  #made = 0;

  constructor(
    private readonly world: World,
    private readonly terms: BullTerms,
  ) {
    this.#folder = path.join(world.place, 'bullmq');
    mkdirSync(this.#folder);
    this.history = new History(this.#folder, 'harness');
    this.#reader = new Reader(this.#folder);
  }

  /** Starts a worker process, like {@link World.worker}. */
  worker() {
    const { proc, child } = this.#start({ role: 'worker' });
    return {
      proc,
      hasBegun: () => this.#reader.count('start', proc) > 0,
      kill: async () => {
        await child.kill();
        this.history.write('fault', { kind: 'kill', target: proc });
      },
    };
  }

  producer(task: Pick<BullTask, 'seed' | 'count' | 'batch' | 'mostMs' | 'perSecond'>): OwnChild {
    return this.#start({ role: 'producer', ...task }).child;
  }

  async pending(): Promise<number> {
    const { waiting, delayed, active } = await this.#look();
    return waiting.length + delayed.length + active.length;
  }

  async verdict(): Promise<Verdict> {
    return check(this.#reader.sorted(), await this.#look());
  }

  #start(task: Partial<BullTask> & Pick<BullTask, 'role'>): { proc: string; child: OwnChild } {
    const proc = `bullmq-${task.role}${++this.#made}`;
    return {
      proc,
      child: this.world.spawn('bullmq-process', {
        folder: this.#folder,
        proc,
        socket: this.world.redis.socket,
        ...this.terms,
        ...task,
      }),
    };
  }

  /** Reads all lists in one transaction, because jobs move between them. */
  async #look(): Promise<Remains> {
    const name = (list: string): string => `bull:jobs:${list}`;
    const all = this.world.direct.multi();
    for (const list of ['wait', 'paused', 'active']) all.lrange(name(list), 0, -1);
    for (const set of ['prioritized', 'delayed', 'failed']) all.zrange(name(set), '0', '-1');
    const [waiting, paused, active, prioritized, delayed, dead] = (await all.exec())!.map(([, ids]) => ids as string[]);
    const keys = (...ids: string[][]): Promise<string[]> => this.#keysOf(ids.flat());
    return {
      waiting: await keys(waiting!, paused!, prioritized!),
      delayed: await keys(delayed!),
      active: await keys(active!),
      dead: await keys(dead!),
    };
  }

  async #keysOf(ids: readonly string[]): Promise<string[]> {
    const data = await Promise.all(ids.map((id) => this.world.direct.hget(`bull:jobs:${id}`, 'data')));
    return data.flatMap((text) => (text === null ? [] : [(JSON.parse(text) as { key: string }).key]));
  }
}
