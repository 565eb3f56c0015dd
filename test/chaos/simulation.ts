import fc from 'fast-check';
import type { Redis } from 'ioredis';
import type { Broker, Company, Lane } from '../../src/redis/broker.js';
import { inOrder, type LaneLetter, type ListName, type Message, Model } from './model.js';

/** A step as fast-check makes it: numbers that are read against what exists at that moment. */
interface Draft {
  readonly kind: 'put' | 'wake' | 'join' | 'take' | 'beat' | 'ack' | 'retry' | 'bury' | 'release' | 'leave' | 'expire' | 'recover' | 'due' | 'promote' | 'ghost' | 'die';
  readonly who: number;
  readonly pick: number;
  readonly count: number;
  /** Sent a second time at once, as after a lost reply. */
  readonly twice: boolean;
}

/** A transition with all that it was sent with, so that it can be sent again, at any time. */
type Step =
  | { readonly kind: 'put'; readonly producer: string; readonly number: number; readonly keys: readonly string[]; readonly lane: 'b' | 'h' | 'l' }
  | { readonly kind: 'wake' | 'promote' }
  | { readonly kind: 'join' | 'leave' | 'recover' | 'expire'; readonly worker: string }
  | { readonly kind: 'take'; readonly worker: string; readonly number: number; readonly most: number; readonly company: Company }
  | { readonly kind: 'beat'; readonly worker: string; readonly number: number; readonly known: readonly string[] }
  | { readonly kind: 'ack' | 'bury'; readonly worker: string; readonly token: string; readonly key: string }
  | { readonly kind: 'retry'; readonly worker: string; readonly token: string; readonly message: Message; readonly isDelayed: boolean }
  | { readonly kind: 'release'; readonly worker: string; readonly tokens: readonly string[] }
  | { readonly kind: 'due'; readonly key: string; readonly order: number };

const kinds: [Draft['kind'], number][] = [
  ['put', 6], ['take', 10], ['ack', 5], ['retry', 3], ['bury', 1], ['release', 3], ['wake', 3], ['join', 4],
  ['beat', 4], ['leave', 1], ['expire', 3], ['recover', 4], ['due', 2], ['promote', 2], ['ghost', 6], ['die', 4],
];

const aDraft: fc.Arbitrary<Draft> = fc.record({
  kind: fc.oneof(...kinds.map(([kind, weight]) => ({ weight, arbitrary: fc.constant(kind) }))),
  who: fc.nat(3),
  pick: fc.nat(1_000),
  count: fc.integer({ min: 1, max: 5 }),
  twice: fc.boolean(),
});

export interface Simulated {
  readonly runs: number;
  readonly steps: number;
  readonly ghosts: number;
  readonly resends: number;
}

/**
 * Random sequences of transitions, each of them perhaps doubled, or sent once more long after: what Redis holds and
 * answers must be what the model says, after every step, and every message must be somewhere.
 *
 * @param fresh a broker on a queue that nobody else uses, with leases that do not end by themselves
 * @throws with the shortest sequence that fails, its seed and its path
 */
export async function simulate(fresh: () => Broker, redis: Redis, options: { seed: number; runs: number; steps: number; withinMs?: number; shrinks?: boolean }): Promise<Simulated> {
  const sum = { runs: 0, steps: 0, ghosts: 0, resends: 0 };
  await fc.assert(
    fc.asyncProperty(fc.array(aDraft, { minLength: 1, maxLength: options.steps, size: 'max' }), async (drafts) => {
      const run = new Simulation(fresh(), redis);
      try {
        for (const draft of drafts) await run.play(draft);
      } finally {
        await run.clean();
      }
      sum.runs += 1;
      sum.steps += run.steps;
      sum.ghosts += run.ghosts;
      sum.resends += run.resends;
    }),
    { seed: options.seed, numRuns: options.runs, interruptAfterTimeLimit: options.withinMs ?? 600_000, endOnFailure: options.shrinks === false },
  );
  return sum;
}

const at = { withinMs: 10_000 };
const headerOf = ({ key, attempts, crashes }: Message): string => `#${key} ${attempts} ${crashes}\n`;
const textOf = (message: Message): string => `${headerOf(message)}"${message.key}"`;
const form = /^#(\S+) (\d+) (\d+)\n"(.*)"$/;

function messageIn(text: string): Message {
  const found = form.exec(text);
  if (!found || found[1] !== found[4]) throw new Error(`a message was changed: ${JSON.stringify(text)}`);
  return { key: found[1]!, attempts: Number(found[2]), crashes: Number(found[3]) };
}

class Simulation {
  steps = 0;
  ghosts = 0;
  resends = 0;
  readonly #model = new Model();
  readonly #sent: Step[] = [];
  /** What clients believe: the number of their last take that brought something, and every token they were ever given. */
  readonly #numbers = new Map<string, number>();
  readonly #tokens: { readonly worker: string; readonly token: string; readonly message: Message }[] = [];
  #made = 0;
  #batch = new Map<string, number>();

  constructor(
    private readonly broker: Broker,
    private readonly redis: Redis,
  ) {}

  async play(draft: Draft): Promise<void> {
    if (draft.kind === 'die') {
      const worker = this.#live(draft.who);
      await this.#perform({ ...draft, twice: false }, { kind: 'expire', worker });
      return this.#perform(draft, { kind: 'recover', worker });
    }
    const step = this.#concrete(draft);
    if (step) await this.#perform(draft, step);
  }

  async #perform(draft: Draft, step: Step): Promise<void> {
    if (draft.kind === 'ghost') this.ghosts += 1;
    else this.#sent.push(step);
    await this.#send(step);
    if (!draft.twice || step.kind === 'wake' || step.kind === 'due' || step.kind === 'expire') return;
    this.resends += 1;
    await this.#send(step);
  }

  async clean(): Promise<void> {
    const keys = await this.redis.keys(`*${this.broker.keys.base}*`);
    if (keys.length > 0) await this.redis.del(keys);
  }

  // ---------------------------------------------------------------- choosing

  #concrete({ kind, who, pick, count }: Draft): Step | undefined {
    switch (kind) {
      case 'die':
        return undefined; // two steps, see `play`
      case 'put': {
        const producer = `p${who % 2}`;
        const last = this.#batch.get(producer) ?? 0;
        const number = pick % 8 === 0 && last > 0 ? last : last + 1; // sometimes a number that was used
        this.#batch.set(producer, Math.max(last, number));
        return { kind, producer, number, lane: (['b', 'b', 'h', 'l'] as const)[pick % 4]!, keys: Array.from({ length: count }, () => `m${++this.#made}`) };
      }
      case 'wake':
      case 'promote':
        return { kind };
      case 'join':
        // An id is used once: a worker that was lost comes back under another.
        return [...this.#model.workers.values()].filter(({ isRegistered }) => isRegistered).length > 3 ? undefined : { kind, worker: `w${this.#model.workers.size}` };
      case 'leave':
      case 'expire':
      case 'recover':
        return { kind, worker: this.#live(who) };
      case 'take': {
        const live = this.#live(who);
        const last = this.#numbers.get(live) ?? 0;
        const number = pick % 6 === 0 ? last : pick % 17 === 0 ? last - 1 : pick % 13 === 0 ? last + 16 - (last % 16) : last + 1;
        if (number < 1) return undefined;
        return { kind, worker: live, number, most: count, company: (['alone', 'busy', 'aside'] as const)[pick % 3]! };
      }
      case 'beat': {
        const live = this.#live(who);
        const mine = this.#tokens.filter((one) => one.worker === live).map(({ token }) => token);
        return { kind, worker: live, number: (this.#numbers.get(live) ?? 0) + 1, known: mine.filter((_, index) => (index * 7 + pick) % 9 !== 0) };
      }
      case 'ack':
      case 'bury': {
        const held = this.#held(pick, count);
        return held && { kind, worker: held.worker, token: held.token, key: held.message.key };
      }
      case 'retry': {
        const held = this.#held(pick, count);
        return held && { kind, worker: held.worker, token: held.token, message: held.message, isDelayed: pick % 2 === 0 };
      }
      case 'release': {
        const held = this.#held(pick, count);
        if (!held) return undefined;
        const mine = this.#tokens.filter(({ worker: holder }) => holder === held.worker).map(({ token }) => token);
        return { kind, worker: held.worker, tokens: [...new Set([held.token, ...mine.slice(-count)])] };
      }
      case 'due': {
        const waiting = this.#model.delayed.filter(({ isDue }) => !isDue);
        if (waiting.length === 0) return undefined;
        return { kind, key: waiting[pick % waiting.length]!.message.key, order: this.steps + 1 };
      }
      case 'ghost':
        return this.#sent.length === 0 ? undefined : this.#ghost(this.#sent[pick % this.#sent.length]!);
    }
  }

  /** What the network may deliver late: anything but what is no command of ours, and a join that the server refuses by its age. */
  #ghost(step: Step): Step | undefined {
    return ['wake', 'due', 'expire', 'join'].includes(step.kind) ? undefined : step;
  }

  /** One of the workers that are registered. */
  #live(who: number): string {
    const lives = [...this.#model.workers.entries()].filter(([, { isRegistered }]) => isRegistered).map(([id]) => id);
    return lives.length === 0 ? `w${who}` : lives[who % lives.length]!;
  }

  /** Mostly a claim that is held, sometimes one that was. */
  #held(pick: number, count: number) {
    const current = this.#tokens.filter(({ worker, token }) => this.#model.workers.get(worker)?.claims.has(token));
    const from = count === 5 || current.length === 0 ? this.#tokens : current;
    return from.length === 0 ? undefined : from[pick % from.length];
  }

  // ---------------------------------------------------------------- sending

  async #send(step: Step): Promise<void> {
    this.steps += 1;
    const [said, meant] = [await this.#really(step), this.#asModelled(step)];
    if (JSON.stringify(said) !== JSON.stringify(meant)) throw new Error(`${JSON.stringify(step)} was answered ${JSON.stringify(said)}, not ${JSON.stringify(meant)}`);
    await this.#compare(step);
  }

  #asModelled(step: Step): unknown {
    const model = this.#model;
    switch (step.kind) {
      case 'put':
        return void model.store(step.producer, step.number, step.keys, step.lane);
      case 'wake':
        return void model.wake();
      case 'join':
        return void model.join(step.worker);
      case 'take': {
        const taken = model.take(step.worker, step.number, step.most, step.company);
        if (Array.isArray(taken) && taken.length > 0) this.#given(step.worker, step.number, taken);
        return taken;
      }
      case 'beat':
        return model.beat(step.worker, step.number, step.known);
      case 'ack':
        return model.ack(step.worker, step.token);
      case 'bury':
        return model.bury(step.worker, step.token);
      case 'retry':
        return model.retry(step.worker, step.token, step.isDelayed);
      case 'release':
        return model.release(step.worker, step.tokens);
      case 'leave':
        return void model.leave(step.worker);
      case 'expire':
        return void (model.workers.get(step.worker) && (model.workers.get(step.worker)!.isOver = true));
      case 'recover':
        return model.recover(step.worker);
      case 'due': {
        const at = model.delayed.findIndex(({ message }) => message.key === step.key);
        const [entry] = model.delayed.splice(at, 1);
        model.delayed.push({ ...entry!, isDue: true });
        return undefined;
      }
      case 'promote':
        return void model.promote();
    }
  }

  #given(worker: string, number: number, taken: readonly (readonly [string, string])[]): void {
    this.#numbers.set(worker, Math.max(this.#numbers.get(worker) ?? 0, number));
    for (const [token] of taken) {
      if (this.#tokens.some((one) => one.worker === worker && one.token === token)) continue;
      this.#tokens.push({ worker, token, message: this.#model.workers.get(worker)!.claims.get(token)! });
    }
  }

  async #really(step: Step): Promise<unknown> {
    const { broker, redis } = this;
    const { keys } = broker;
    switch (step.kind) {
      case 'put':
        return void (await broker.put(step.producer, step.number, step.keys.map((key) => textOf({ key, attempts: 0, crashes: 0 })), at, step.lane));
      case 'wake':
        return void (await redis.lmove(keys.base, keys.inbox, 'LEFT', 'RIGHT'));
      case 'join':
        return broker.join(step.worker, at);
      case 'take': {
        const taken = await broker.take(step.worker, step.number, step.most, step.company, at);
        if (taken === 'lost' || taken.status === 'drain') return taken === 'lost' ? 'lost' : 'drain';
        return taken.held.map(({ token, message }) => [token, messageIn(message).key]);
      }
      case 'beat':
        return (await broker.beat(step.worker, step.number, step.known, at)) === 'lost' ? 'lost' : 'beaten';
      case 'ack':
        return broker.ack(step.worker, [step.token], at);
      case 'bury':
        return broker.bury(step.worker, step.token, step.key, '{"reason":"test","attempts":1}', at);
      case 'retry': {
        const { message, token } = step;
        const header = headerOf({ ...message, attempts: message.attempts + 1 });
        return broker.retry(step.worker, { token, id: message.key, lane: token[0] as Lane, delayMs: step.isDelayed ? 86_400_000 : 0, header, oldHeaderLength: headerOf(message).length }, at);
      }
      case 'release':
        return broker.release(step.worker, step.tokens, at);
      case 'leave':
        return broker.leave(step.worker, at);
      case 'expire':
        // As if it had not beaten, while others had.
        await redis.hset(keys.meta, 'seen', Date.now());
        return void (await redis.zadd(keys.workers, 'XX', '1', step.worker));
      case 'recover':
        return 'ready' in (await broker.recover(step.worker, 'hotqueue', at));
      case 'due':
        return void (await redis.zadd(keys.delayed, 'XX', String(step.order), step.key));
      case 'promote':
        return void (await broker.promote(at));
    }
  }

  // ---------------------------------------------------------------- comparing

  async #compare(step: Step): Promise<void> {
    const [is, ought] = [await this.#state(), this.#modelState()];
    const [isText, oughtText] = [JSON.stringify(is), JSON.stringify(ought)];
    if (isText !== oughtText) throw new Error(`after ${JSON.stringify(step)}\n Redis holds ${isText}\n it should be ${oughtText}`);
    const there = Object.values(ought.lists).flat().length + ought.delayed.length + ought.dead.length + Object.values(ought.claims).flat().length;
    if (this.#model.put !== this.#model.acked + there) throw new Error(`${this.#model.put} were put, ${this.#model.acked} acknowledged, ${there} are there, after ${JSON.stringify(step)}`);
  }

  async #state() {
    const { keys } = this.broker;
    const names: ListName[] = ['base', 'inbox', 'high', 'low', 'again', 'suspects'];
    const lists: Record<string, string[]> = {};
    for (const name of names) lists[name] = (await this.redis.lrange(keys[name], 0, -1)).map((text) => textOf(messageIn(text)));
    const claims: Record<string, string[]> = {};
    for (const worker of [...this.#model.workers.keys()].sort()) {
      const held = await this.redis.hgetall(keys.claims(worker));
      claims[worker] = inOrder(Object.keys(held).filter((field) => field !== 'seq')).map((token) => `${token} ${held[token]}`);
    }
    const delayed = (await this.redis.hvals(keys.delayedMessages)).sort();
    const dead = (await this.redis.hvals(keys.deadMessages)).map((entry) => entry.slice(entry.indexOf('\n') + 1)).sort();
    const workers = (await this.redis.zrange(keys.workers, '0', '-1')).sort();
    return { lists, claims, delayed, dead, workers };
  }

  #modelState() {
    const { lists, workers, delayed, dead } = this.#model;
    const claims: Record<string, string[]> = {};
    for (const id of [...workers.keys()].sort()) {
      const held = workers.get(id)!.claims;
      claims[id] = inOrder([...held.keys()]).map((token) => `${token} ${textOf(held.get(token)!)}`);
    }
    return {
      lists: Object.fromEntries(Object.entries(lists).map(([name, messages]) => [name, messages.map(textOf)])),
      claims,
      delayed: delayed.map(({ message, lane }: { message: Message; lane: LaneLetter }) => lane + textOf(message)).sort(),
      dead: dead.map(textOf).sort(),
      workers: [...workers.entries()].filter(([, { isRegistered }]) => isRegistered).map(([id]) => id).sort(),
    };
  }
}
