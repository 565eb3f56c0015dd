import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { HotQueue, start, type Job, type QueueOptions, type Runner } from '../../src/index.js';
import { mostCrashes } from '../../src/redis/registration.js';
import { Keys } from '../../src/redis/keys.js';
import { check, type Allowances, type Remains, type Verdict } from './checker.js';
import { OwnChild } from './children.js';
import { heldIn } from './claims.js';
import { Waits } from './jobs.js';
import { checkJobs, type JobAllowances } from './jobs-checker.js';
import { Dice } from './dice.js';
import { listen, loggerInto, scribe } from './handler.js';
import { type Entry, History, type Load, nowMs, Reader, sumOf } from './history.js';
import type { ProducerTask } from './producer-process.js';
import { putLogged } from './producing.js';
import { FaultProxy } from './proxy.js';
import { type Durability, RedisProcess } from './redis-process.js';
import type { Road } from './road.js';
import type { WorkerTask } from './worker-process.js';

export interface WorkersOptions {
  readonly url?: string;
  readonly queue?: string;
  readonly leaseMs?: number;
  readonly concurrency?: number;
  readonly attempts?: number;
  readonly backoff?: number;
  /** Number of registered workers; 1 by default. */
  readonly workers?: number;
  /** The runner may find no Redis and end with that error. */
  readonly mayEnd?: boolean;
}

/** A worker process that a scenario can kill, freeze and stop. */
export interface WorkerProcess {
  readonly proc: string;
  readonly child: OwnChild;
  kill(): Promise<void>;
  freeze(): void;
  thaw(): void;
  /** Sends SIGTERM. Resolves with the exit code. */
  stop(): Promise<number | NodeJS.Signals>;
}

export interface Look extends Remains {
  readonly pending: number;
  readonly workers: number;
}

/** A queue of a scenario, with the history that its process writes. */
export type LoggedQueue = HotQueue<Load> & { readonly lines: History };

/** The Redis, proxies, processes and histories of one scenario. All of them end with the scenario. */
export class World {
  readonly dice: Dice;
  readonly history: History;
  /** What the scenario allows on top of the rules for every run. */
  allowed: Allowances = {};
  /** Why the scenario could not run on this machine; absent if it did. */
  skipped: string | undefined;
  /** Figures of this scenario only. */
  readonly figures: Record<string, number> = {};
  readonly #queues: HotQueue<Load>[] = [];
  readonly #runners: Runner[] = [];
  readonly #proxies: FaultProxy[] = [];
  readonly #children: OwnChild[] = [];
  readonly #names = new Set<string>();
  readonly #endings: (() => Promise<void>)[] = [];
  readonly #reader: Reader;
  #tracking: JobAllowances | undefined;
  readonly #waits = new Map<History, Waits>();
  #counter = 0;

  private constructor(
    readonly seed: number,
    readonly isLong: boolean,
    private readonly root: string,
    readonly folder: string,
    readonly redis: RedisProcess,
    /** Client that bypasses every proxy. A scenario with several servers sets it to the server that has the queue. */
    public direct: Redis,
    history: History,
  ) {
    this.dice = new Dice(seed);
    this.history = history;
    this.#reader = new Reader(folder);
  }

  static async open(
    seed: number,
    isLong: boolean,
    durability: Durability = 'none',
    more: readonly string[] = [],
  ): Promise<World> {
    const root = mkdtempSync(path.join(tmpdir(), 'hqchaos-'));
    const folder = path.join(root, 'history');
    mkdirSync(folder);
    const history = new History(folder, 'harness');
    const redis = await RedisProcess.start(
      path.join(root, 'redis'),
      durability,
      (kind, fields) => history.write('fault', { kind, ...fields }),
      more,
    );
    const direct = new Redis({ path: redis.socket, maxRetriesPerRequest: null, retryStrategy: () => 50 });
    direct.on('error', () => {});
    return new World(seed, isLong, root, folder, redis, direct, history);
  }

  // ---------------------------------------------------------------- building blocks

  /** A name that is unique in this scenario. */
  name(prefix: string): string {
    return `${prefix}${++this.#counter}`;
  }

  fault(kind: string, fields: object = {}): void {
    this.history.write('fault', { kind, ...fields });
  }

  /** Asserts a fact. If it does not hold, it counts as a violation. */
  claim(sentence: string, holds: boolean): void {
    if (!holds) this.history.write('broken', { text: sentence });
  }

  async proxy(): Promise<FaultProxy> {
    const proxy = await FaultProxy.open(this.redis.socket, (kind, fields) => this.fault(kind, fields));
    this.#proxies.push(proxy);
    return proxy;
  }

  /** A queue in this process. The checker counts its messages. */
  queue(options: QueueOptions & { name?: string } = {}, proc = this.name('p')): LoggedQueue {
    const { name = 'jobs', ...rest } = options;
    this.#names.add(name);
    const history = new History(this.folder, proc);
    const queue = new HotQueue(name, {
      url: this.redis.url,
      logger: loggerInto(history),
      ...(this.#tracking && { track: true }),
      ...rest,
    }) as unknown as HotQueue<Load>;
    listen(queue, history);
    this.#queues.push(queue);
    return Object.assign(queue, { lines: history });
  }

  /** All messages of this scenario are tracked, and their producers wait for the results. */
  trackAll(allowed: JobAllowances = {}): void {
    this.#tracking = allowed;
  }

  get isTracked(): boolean {
    return this.#tracking !== undefined;
  }

  /** Same as {@link put}, for the jobs. */
  async putJobs(
    queue: Pick<HotQueue<Load>, 'put'>,
    loads: readonly Load[],
    history = (queue as LoggedQueue).lines,
  ): Promise<Job[]> {
    let jobs: Job[] = [];
    const waits = this.#waitsOf(history);
    const follow = waits.follow.bind(waits);
    const kept = {
      follow: (stored: readonly Job[], all: readonly Load[]) => follow((jobs = [...stored]), all),
    } as Waits;
    await putLogged(queue, history, loads, kept);
    return jobs;
  }

  /** Waits until all results were read that this process waits for. */
  async waitsEnded(): Promise<void> {
    await Promise.all([...this.#waits.values()].map((waits) => waits.ended()));
  }

  #waitsOf(history: History): Waits {
    const waits = this.#waits.get(history) ?? new Waits(history);
    this.#waits.set(history, waits);
    return waits;
  }

  /** Workers in this process. */
  startWorkers({
    url = this.redis.url,
    queue = 'jobs',
    leaseMs = 30_000,
    workers = 1,
    concurrency = 5,
    mayEnd = false,
    ...options
  }: WorkersOptions = {}): { runner: Runner; queue: LoggedQueue } {
    const opened = this.queue({ name: queue, url, lease: leaseMs }, this.name('w'));
    const runner = start(
      Array.from({ length: workers }, () => scribe(opened, opened.lines, { concurrency, backoff: 20, ...options })),
    );
    if (mayEnd) this.#runners.push({ ...runner, stop: (how) => runner.stop(how).catch(() => undefined) });
    else this.#runners.push(runner);
    return { runner, queue: opened };
  }

  /** Puts messages and writes the put to the history. @returns the code of the error, if any */
  put(queue: LoggedQueue, ...loads: Load[]): Promise<string | undefined> {
    const { lines: history } = queue;
    return putLogged(queue, history, loads, this.#tracking && this.#waitsOf(history));
  }

  /** Same as {@link put}, with options for `queue.with()`. */
  putWith(
    queue: LoggedQueue,
    options: Parameters<HotQueue<Load>['with']>[0],
    ...loads: Load[]
  ): Promise<string | undefined> {
    const { lines: history } = queue;
    return putLogged(queue.with(options), history, loads, this.#tracking && this.#waitsOf(history));
  }

  /** Same as {@link put}, due `afterMs` from now or at an instant. The checker reports a message that runs earlier. */
  putLater(
    queue: LoggedQueue,
    when: { afterMs: number } | { at: number },
    ...loads: Load[]
  ): Promise<string | undefined> {
    const { lines: history } = queue;
    const due = 'at' in when ? when.at : Date.now() + when.afterMs;
    for (const { key } of loads) history.write('due', { key, due });
    return this.putWith(queue, 'at' in when ? { at: new Date(when.at) } : { delay: when.afterMs }, ...loads);
  }

  /** Puts a quarantined message, as recovery leaves it: one more crash buries it. */
  async putQuarantined(name: string, load: Load): Promise<void> {
    const jobs = [[load.key, sumOf(load)] as const];
    const id = randomUUID();
    this.history.write('put', { type: 'invoke', jobs });
    await this.direct.rpush(this.keys(name).quarantine, `#${id} 0 ${mostCrashes - 1}\n${JSON.stringify(load)}`);
    this.history.write('put', { type: 'ok', jobs, ids: [id] });
  }

  load(ms = 0, does?: string): Load {
    return { key: this.name('m'), ms, ...(does !== undefined && { does }) };
  }

  worker({ url = this.redis.url, ...options }: Partial<WorkerTask> & { readonly url?: string } = {}): WorkerProcess {
    const task: WorkerTask = {
      folder: this.folder,
      proc: this.name('worker'),
      road: { url },
      queue: 'jobs',
      leaseMs: 1_000,
      concurrency: 10,
      deadlineMs: 10_000,
      ...options,
    };
    for (const name of [task.queue, ...(task.also ?? [])]) this.#names.add(name);
    const child = this.spawn('worker-process', task);
    const { proc } = task;
    const note = (kind: string): void => this.fault(kind, { target: proc });
    return {
      proc,
      child,
      // The fault is written after a kill, but before a freeze: the process may still write a step between signal and effect.
      kill: async () => {
        await child.kill();
        note('kill');
      },
      freeze: () => {
        note('freeze');
        child.signal('SIGSTOP');
      },
      thaw: () => {
        child.signal('SIGCONT');
        note('thaw');
      },
      stop: async () => {
        child.signal('SIGTERM');
        const code = await child.ended;
        this.history.write('exit', { target: proc, text: String(code) });
        return code;
      },
    };
  }

  producer({
    url = this.redis.url,
    ...options
  }: Omit<ProducerTask, 'folder' | 'proc' | 'road' | 'queue' | 'seed'> & { url?: string; road?: Road }): OwnChild {
    this.#names.add('jobs');
    const task: ProducerTask = {
      folder: this.folder,
      proc: this.name('producer'),
      road: { url },
      queue: 'jobs',
      seed: this.dice.whole(1, 1e9),
      ...options,
    };
    return this.spawn('producer-process', task);
  }

  /** Starts a script of this folder, with its task. @param env more environment variables */
  spawn(script: string, task: object, env: NodeJS.ProcessEnv = {}): OwnChild {
    const here = new URL('.', import.meta.url).pathname;
    const file = path.join(here, `${script}.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`);
    const loader = file.endsWith('.ts') ? ['--import', '@oxc-node/core/register'] : [];
    const child = OwnChild.start(process.execPath, [...loader, file], {
      cwd: path.join(here, '../..'),
      env: { ...process.env, CHAOS: JSON.stringify(task), CHAOS_TRACKED: this.#tracking ? '1' : '0', ...env },
      output: path.join(this.root, 'output'),
    });
    this.#children.push(child);
    return child;
  }

  /** The Redis keys of a queue. */
  keys(name = 'jobs'): Keys {
    this.#names.add(name);
    return new Keys(name);
  }

  /** Registers a cleanup. It always runs at the end of the scenario, after the processes have ended. */
  atEnd(end: () => Promise<void>): void {
    this.#endings.push(end);
  }

  // ---------------------------------------------------------------- facts

  /** The messages in Redis, from all queues of this scenario. */
  async look(direct = this.direct): Promise<Look> {
    const waiting: string[] = [];
    const delayed: string[] = [];
    const active: string[] = [];
    const dead: string[] = [];
    let workers = 0;
    for (const name of this.#names) {
      const keys = new Keys(name);
      for (const list of [keys.requeued, keys.inbox, keys.high, keys.base, keys.low, keys.quarantine])
        waiting.push(...(await direct.lrange(list, 0, -1)).map(keyIn));
      delayed.push(...(await direct.hvals(keys.delayedMessages)).map(keyIn));
      dead.push(...(await direct.hvals(keys.deadMessages)).map((entry) => keyIn(entry.slice(entry.indexOf('\n') + 1))));
      workers += await direct.zcard(keys.workers);
      for (const claims of await direct.keys(`{${keys.base}}:claims:*`))
        active.push(...heldIn(await direct.hgetallBuffer(claims)).map(keyIn));
    }
    return { waiting, delayed, active, dead, pending: waiting.length + delayed.length + active.length, workers };
  }

  /** Waits until `ask` returns true. @returns whether it did so in time */
  async until(ask: () => boolean | Promise<boolean>, withinMs = 30_000): Promise<boolean> {
    for (const givenUpAt = Date.now() + withinMs; !(await ask()); await pause(20))
      if (Date.now() > givenUpAt) return false;
    return true;
  }

  /**
   * Asserts that `ask` returns true soon, and records the longest time that it took. An idle machine needs less than `usualMs`; the
   * assertion fails only after three times that, as other programs may be using the machine.
   */
  async soon(what: string, usualMs: number, ask: () => boolean | Promise<boolean>): Promise<void> {
    const since = this.now();
    const isTrue = await this.until(ask, 3 * usualMs);
    const tookMs = Math.round(this.now() - since);
    const figure = `${what}, ms`;
    this.figures[figure] = Math.max(this.figures[figure] ?? 0, tookMs);
    this.claim(`${what}: within ${3 * usualMs} ms (${tookMs} ms)`, isTrue);
  }

  /** Asserts that workers start messages again soon after the end of a fault. @param starts how many */
  async workersContinue(fault: string, { starts = 1, usualMs = 5_000 } = {}): Promise<void> {
    const before = this.count('start');
    await this.soon(`workers continue after ${fault}`, usualMs, () => this.count('start') >= before + starts);
  }

  /** Waits until no message is waiting, delayed or active, or until the time is over. The checker reports what is left. */
  async drained(withinMs = 60_000): Promise<void> {
    let everyMs = 20;
    for (const givenUpAt = Date.now() + withinMs; (await this.pending()) > 0; await pause(everyMs)) {
      if (Date.now() > givenUpAt) return;
      everyMs = Math.min(everyMs * 1.5, 500);
    }
  }

  /** Number of messages that are waiting, delayed or active. */
  async pending(): Promise<number> {
    let sum = 0;
    for (const name of this.#names) {
      const keys = new Keys(name);
      for (const list of [keys.requeued, keys.inbox, keys.high, keys.base, keys.low, keys.quarantine])
        sum += await this.direct.llen(list);
      sum += await this.direct.hlen(keys.delayedMessages);
      for (const claims of await this.direct.keys(`{${keys.base}}:claims:*`))
        sum += heldIn(await this.direct.hgetallBuffer(claims)).length;
    }
    return sum;
  }

  /** Every entry so far, from all processes. */
  entries(): readonly Entry[] {
    return this.#reader.look();
  }

  /** Number of entries of one kind, from one process or from all. */
  count(f: string, proc?: string): number {
    return this.#reader.count(f, proc);
  }

  now(): number {
    return nowMs();
  }

  output(): string {
    try {
      return readFileSync(path.join(this.root, 'output'), 'utf8');
    } catch {
      return '';
    }
  }

  // ---------------------------------------------------------------- the end

  /** Stops all workers cleanly, then runs the checker. */
  async verdict(): Promise<Verdict> {
    for (const proxy of this.#proxies) {
      proxy.rule = undefined;
      proxy.delayMs = undefined;
      proxy.greets = 'normal';
    }
    await Promise.all(
      this.#runners
        .splice(0)
        .map((runner) =>
          runner
            .stop({ shutdownTimeout: 5_000 })
            .catch((error: unknown) => this.claim(`every runner stops without an error (${String(error)})`, false)),
        ),
    );
    if (this.#tracking) await Promise.race([this.waitsEnded(), pause(15_000, undefined, { ref: false })]);
    await Promise.all(this.#queues.splice(0).map((queue) => queue.close()));
    for (const child of this.#children) child.signal('SIGTERM');
    await Promise.race([
      Promise.all(this.#children.map((child) => child.ended)),
      pause(12_000, undefined, { ref: false }),
    ]);
    await Promise.all(this.#children.map((child) => child.kill()));
    const look = await this.look();
    const verdict = check(this.#reader.sorted(), look, this.allowed);
    const counters = { ...verdict.counters, ...this.figures };
    if (!this.#tracking) return { ...verdict, counters };
    const entries = this.#reader.sorted();
    const violations = [...verdict.violations, ...checkJobs(entries, look, this.#tracking)];
    const results = entries.filter(({ f, type }) => f === 'result' && type === 'ok').length;
    return { ok: violations.length === 0, counters: { ...counters, results }, violations };
  }

  /** Ends everything that the scenario started, also after a failure. */
  async close(keepsFiles = false): Promise<void> {
    await Promise.all(
      this.#runners.splice(0).map((runner) => runner.stop({ shutdownTimeout: 0 }).catch(() => undefined)),
    );
    await Promise.all(this.#children.map((child) => child.kill()));
    this.direct.disconnect();
    await Promise.all(this.#endings.splice(0).map((end) => end()));
    await this.redis.close();
    await Promise.all(
      this.#queues.splice(0).map((queue) => Promise.race([queue.close().catch(() => undefined), pause(2_000)])),
    );
    await Promise.all(this.#proxies.map((proxy) => proxy.close()));
    if (!keepsFiles) rmSync(this.root, { recursive: true, force: true });
  }

  get place(): string {
    return this.root;
  }
}

/** The key of a test message, read from its stored bytes. */
function keyIn(message: string): string {
  const found = /"key":"([^"]+)"/.exec(message);
  return found ? found[1]! : `?${message.slice(0, 60)}`;
}
