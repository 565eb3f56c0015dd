import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { HotQueue, start } from '../../../src/index.js';
import { Broker } from '../../../src/redis/broker.js';
import { Connection } from '../../../src/redis/connection.js';
import { blockMs } from '../../../src/redis/redis-client.js';
import type { Load } from '../history.js';
import type { Scenario } from '../scenario.js';
import type { World } from '../world.js';

const at = { withinMs: 10_000 };
/** So long that no lease ends by itself. The scenario ends leases where it needs to. */
const longLeaseMs = 60_000;

/** A file that handlers wait for. */
interface Gate {
  readonly file: string;
  open(): void;
}

function gate(world: World): Gate {
  const file = path.join(world.place, world.name('gate'));
  return { file, open: () => writeFileSync(file, '') };
}

/** Keys of the messages that a process has started or ended. */
function keysOf(world: World, f: 'start' | 'end', proc: string): Set<string> {
  return new Set(world.entries().flatMap((entry) => (entry.f === f && entry.proc === proc ? [entry.key!] : [])));
}

const all = (loads: readonly Load[], found: ReadonlySet<string>): boolean => loads.every(({ key }) => found.has(key));

const f18: Scenario = {
  id: 'F18',
  name: 'poison messages kill their worker process',
  withinMs: { short: 120_000, long: 300_000 },
  async run(world) {
    const poisons = world.isLong ? 5 : 1;
    const size = 2;
    const queue = world.queue({ lease: 1_000 });
    const loads = Array.from({ length: 12 * poisons }, () => world.load(world.dice.whole(10, 60)));
    for (let index = 0; index < poisons; index++)
      loads.splice(world.dice.whole(0, loads.length), 0, world.load(0, 'die'));
    const poison = new Set(loads.filter(({ does }) => does === 'die').map(({ key }) => key));
    await world.put(queue, ...loads);
    const members = Array.from({ length: size }, () => world.worker({ leaseMs: 1_000, concurrency: 4 }));
    const guilty = (dead: readonly string[]): number => dead.filter((key) => poison.has(key)).length;
    let deaths = 0;
    for (let isOver = false; !isOver;) {
      for (const [index, member] of members.entries()) {
        if (!member.child.isOver) continue;
        world.fault('kill', { target: member.proc });
        deaths += 1;
        members[index] = world.worker({ leaseMs: 1_000, concurrency: 4 });
      }
      await pause(50);
      const { pending, dead } = await world.look();
      isOver = (pending === 0 && guilty(dead) === poisons) || deaths > 4 * poisons + size;
    }
    await world.drained();
    const { dead } = await world.look();
    const others = dead.length - guilty(dead);
    Object.assign(world.figures, { deaths, 'buried without guilt': others });
    world.claim(`every poison message is dead (${guilty(dead)} of ${poisons})`, guilty(dead) === poisons);
    // A quarantined message also counts a crash that a message beside it caused, if that one is not quarantined yet.
    world.claim(
      `with one poison message, no other message is dead (${others} other dead letters)`,
      poisons > 1 || others === 0,
    );
    world.claim(`at most three deaths for each dead letter (${deaths} deaths)`, deaths <= 3 * poisons + others);
  },
};

/** Ends the lease of every registered worker of a queue, and recovers the worker. @returns how many messages were buried */
async function recoverAll(world: World, name: string): Promise<number> {
  const connection = Connection.share({ url: world.redis.url });
  const keys = world.keys(name);
  const broker = new Broker(connection, keys, longLeaseMs);
  let buried = 0;
  for (const worker of await world.direct.hkeys(keys.registry)) {
    await world.direct.hset(keys.meta, 'seen', Date.now());
    await world.direct.zadd(keys.workers, 1, worker);
    const found = await broker.recover(worker, 'hotqueue', at);
    if ('buried' in found) buried += found.buried;
  }
  await connection.leave();
  return buried;
}

const f18n: Scenario = {
  id: 'F18n',
  name: 'a poison message kills its process: messages beside it keep their order and count no crash',
  async run(world) {
    const [end, death] = [gate(world), gate(world)];
    const held = { jobs: 30, other: 10 };
    const queues = {
      jobs: world.queue({ lease: longLeaseMs }),
      other: world.queue({ name: 'other', lease: longLeaseMs }),
    };
    const poison = world.load(0, `die:${death.file}`);
    const waiting = {
      jobs: some(world, held.jobs, `hold:${end.file}`),
      other: some(world, held.other, `hold:${end.file}`),
    };
    // Settled before their process dies, in each of the possible ways. None of these comes back.
    const settled = [...some(world, 3), ...some(world, 3, 'fail:1'), ...some(world, 3, 'bury')];
    await world.putQuarantined('jobs', poison);
    await world.put(queues.jobs, ...settled, ...waiting.jobs);
    await world.put(queues.other, ...waiting.other);
    const worker = world.worker({ also: ['other'], leaseMs: longLeaseMs, concurrency: 40 });
    const areBeside = (): boolean =>
      all([poison, ...waiting.jobs, ...waiting.other], keysOf(world, 'start', worker.proc));
    world.claim(
      `a poison message, ${held.jobs} others and ${held.other} of another queue run at the same time`,
      await world.until(areBeside),
    );
    const areSettled = async (): Promise<boolean> =>
      all(settled, keysOf(world, 'end', worker.proc)) && (await world.pending()) === 1 + held.jobs + held.other;
    world.claim('nine messages are settled beside them', await world.until(areSettled));
    death.open();
    await worker.child.ended;
    world.fault('kill', { target: worker.proc });
    const names = world.dice.chance(0.5) ? ['jobs', 'other'] : ['other', 'jobs'];
    let buried = 0;
    for (const name of names) buried += await recoverAll(world, name);
    const { dead } = await world.look();
    world.claim(
      `recovery buries one message, the poison message (${buried} buried)`,
      buried === 1 && dead.includes(poison.key),
    );
    for (const name of ['jobs', 'other'] as const) {
      const { base, quarantine } = world.keys(name);
      const back = await world.direct.lrange(base, 0, -1);
      const order = back.map((message) => /"key":"([^"]+)"/.exec(message)![1]);
      world.claim(
        `only the messages of "${name}" that were active are back, in their order`,
        JSON.stringify(order) === JSON.stringify(waiting[name].map(({ key }) => key)),
      );
      world.claim(
        `they count no crash in "${name}"`,
        back.every((message) => /^#\S+ 0 0\n/.test(message)) && (await world.direct.llen(quarantine)) === 0,
      );
    }
    end.open();
    world.worker({ also: ['other'], leaseMs: longLeaseMs, concurrency: 40 });
    await world.drained();
  },
};

const some = (world: World, count: number, does?: string): Load[] =>
  Array.from({ length: count }, () => world.load(0, does));

const f18q: Scenario = {
  id: 'F18q',
  name: 'a quarantined message delays no other message, no other queue of its process, and no stop',
  async run(world) {
    world.allowed = { noRecovery: true };
    const gates = [gate(world), gate(world)];
    const [first, second] = gates.map(({ file }) => world.load(0, `hold:${file}`)) as [Load, Load];
    const queues = {
      jobs: world.queue({ lease: longLeaseMs }),
      other: world.queue({ name: 'other', lease: longLeaseMs }),
    };
    for (const load of [first, second]) await world.putQuarantined('jobs', load);
    const worker = world.worker({ also: ['other'], leaseMs: longLeaseMs, concurrency: 4, deadlineMs: 200 });
    const has = (f: 'start' | 'end', loads: readonly Load[]): boolean => all(loads, keysOf(world, f, worker.proc));
    world.claim('a quarantined message runs', await world.until(() => has('start', [first])));
    const beside = { jobs: some(world, 40), other: some(world, 40) };
    await Promise.all([world.put(queues.jobs, ...beside.jobs), world.put(queues.other, ...beside.other)]);
    world.claim('other messages are done meanwhile', await world.until(() => has('end', beside.jobs)));
    world.claim('messages of another queue are done meanwhile', await world.until(() => has('end', beside.other)));
    world.claim('a worker runs one quarantined message at a time', !has('start', [second]));
    gates[0]!.open();
    world.claim(
      'the next quarantined message runs when the first is done',
      await world.until(() => has('end', [first]) && has('start', [second])),
    );
    const { quarantine } = world.keys();
    const code = await Promise.race([worker.stop(), pause(longLeaseMs / 2, 'no end', { ref: false })]);
    world.claim(`a worker with an active quarantined message stops at its shutdown deadline (${code})`, code === 0);
    const back = await world.direct.lrange(quarantine, 0, -1);
    world.claim(
      'the worker releases it unchanged',
      back.length === 1 && /^#\S+ 0 2\n/.test(back[0]!) && back[0]!.includes(`"${second.key}"`),
    );
    // Then another worker handles the quarantined messages.
    const holder = world.worker({ leaseMs: longLeaseMs, concurrency: 4 });
    world.claim('another worker takes it', await world.until(() => all([second], keysOf(world, 'start', holder.proc))));
    const third = world.load(0);
    await world.putQuarantined('jobs', third);
    gates[1]!.open();
    await world.drained();
    world.claim('both quarantined messages are done', all([second, third], keysOf(world, 'end', holder.proc)));
  },
};

/** Handles every message of a queue with one kind of consumer. @returns a function that ends the consumer */
type Consume = (queue: HotQueue<Load>, handle: (load: Load) => Promise<void>) => () => Promise<unknown>;

const consumers: Readonly<Record<string, Consume>> = {
  worker: (queue, handle) => {
    const runner = start(queue.worker((load) => handle(load), { concurrency: 2 }));
    return () => runner.stop();
  },
  consume: (queue, handle) => {
    const items = queue.consume();
    const looping = (async () => {
      for await (const load of items) await handle(load);
    })();
    return () => Promise.all([items.return(), looping]);
  },
  get: (queue, handle) => {
    const ended = new AbortController();
    const looping = (async () => {
      while (!ended.signal.aborted) {
        const load = await queue.get({ block: true, signal: ended.signal });
        if (load) await handle(load);
      }
    })();
    return () => (ended.abort(), looping);
  },
};

/** A consumer on its own queue. The checker does not count its messages, because `consume()` and `get()` do not return the ids that it needs. */
class Subject {
  readonly queue: HotQueue<Load>;
  readonly handled = new Set<string>();
  put = 0;
  /** How many messages were not done when the quarantined message was handled. */
  behind: number | undefined;
  readonly #end: () => Promise<unknown>;

  constructor(
    private readonly world: World,
    readonly name: string,
    readonly kind: string,
  ) {
    this.queue = new HotQueue(name, {
      url: world.redis.url,
      lease: longLeaseMs,
      logger: false,
    }) as unknown as HotQueue<Load>;
    this.#end = consumers[kind]!(this.queue, async ({ key, ms }) => {
      await pause(ms);
      if (key === 'quarantined') this.behind = this.put - this.handled.size;
      this.handled.add(key);
    });
  }

  get hasQuarantined(): boolean {
    return this.behind !== undefined;
  }

  async putQuarantined(): Promise<void> {
    await this.world.direct.rpush(
      this.world.keys(this.name).quarantine,
      '#quarantined 0 2\n{"key":"quarantined","ms":0}',
    );
  }

  /** Keeps the consumer busy: fills the backlog before it is empty. */
  async feed(): Promise<void> {
    if (this.put - this.handled.size > 200) return;
    await this.queue.put(...Array.from({ length: 200 }, () => ({ key: `m${this.put++}`, ms: 2 })));
  }

  async end(): Promise<void> {
    await this.#end();
    await this.queue.close();
  }
}

const f18t: Scenario = {
  id: 'F18t',
  name: 'every kind of consumer takes quarantined messages: at the end of its wait if idle, before its backlog if busy',
  async run(world) {
    world.allowed = { noRecovery: true };
    const kinds = Object.keys(consumers);
    const idle = kinds.map((kind) => new Subject(world, `idle-${kind}`, kind));
    const areWaiting = async (): Promise<boolean> =>
      ((await world.direct.client('LIST')) as string).split('cmd=blmove').length - 1 === kinds.length;
    world.claim('all idle consumers wait for a message', await world.until(areWaiting));
    const takes = async (subject: Subject): Promise<void> => {
      await subject.putQuarantined();
      await world.soon(
        `an idle ${subject.kind} takes a quarantined message`,
        blockMs + 1_000,
        () => subject.hasQuarantined,
      );
      await subject.end();
    };
    await Promise.all(idle.map(takes));
    const prefers = async (kind: string): Promise<void> => {
      const subject = new Subject(world, `busy-${kind}`, kind);
      await world.until(async () => (await subject.feed(), subject.handled.size > 100));
      await subject.putQuarantined();
      await world.until(async () => (await subject.feed(), subject.hasQuarantined));
      const { put, handled, behind = 0 } = subject;
      world.claim(
        `a busy ${kind} takes a quarantined message while other messages wait (${behind} waited)`,
        behind > 0,
      );
      world.claim(
        `a busy ${kind} handles all messages (${handled.size} of ${put + 1})`,
        await world.until(() => handled.size === put + 1),
      );
      await subject.end();
    };
    await Promise.all(kinds.map(prefers));
  },
};

export const poisonScenarios = [f18, f18n, f18q, f18t];
