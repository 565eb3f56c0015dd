import fc from 'fast-check';
import type { ChainableCommander, Redis } from 'ioredis';
import type { Broker } from '../../src/redis/broker.js';
import { Callers, type Draft, mayBeDoubled, someDrafts, type Step } from './callers.js';
import { idOf, inOrder, type ListName, type Message, Model } from './model.js';

export interface Simulated {
  readonly runs: number;
  readonly steps: number;
  readonly ghosts: number;
  readonly resends: number;
}

/**
 * Random sequences of transitions, each of them perhaps doubled, or sent once more long after: what Redis holds and
 * answers must be what the model says, after every step, and every message must be somewhere. A call that is lost on its
 * way is no step at all.
 *
 * @param fresh a broker on a queue that nobody else uses, with leases that do not end by themselves
 * @throws with the shortest sequence that fails, its seed and its path
 */
export async function simulate(fresh: () => Broker, redis: Redis, options: { seed: number; runs: number; steps: number; withinMs?: number; shrinks?: boolean }): Promise<Simulated> {
  const sum = { runs: 0, steps: 0, ghosts: 0, resends: 0 };
  await fc.assert(
    fc.asyncProperty(fc.constantFrom('hotqueue', 'hotqueue', 'plain'), someDrafts(options.steps), async (wire, steps) => {
      const run = new Simulation(fresh(), redis, wire);
      try {
        for (const draft of steps) await run.play(draft);
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
const farMs = 86_400_000;
const headerOf = ({ id, attempts, crashes }: Message): string => (id === undefined ? '' : `#${id} ${attempts} ${crashes}\n`);
const textOf = (message: Message): string => `${headerOf(message)}"${message.key}"`;
const listNames: readonly ListName[] = ['base', 'inbox', 'high', 'low', 'again', 'suspects'];

class Simulation {
  steps = 0;
  ghosts = 0;
  resends = 0;
  readonly #model: Model;
  readonly #callers: Callers;

  constructor(
    private readonly broker: Broker,
    private readonly redis: Redis,
    wire: 'hotqueue' | 'plain',
  ) {
    this.#model = new Model(wire);
    this.#callers = new Callers(this.#model);
  }

  async play(draft: Draft): Promise<void> {
    if (draft.kind === 'die') {
      const worker = this.#callers.someone(draft.who);
      await this.#perform({ ...draft, twice: false }, { kind: 'expire', worker });
      return this.#perform(draft, { kind: 'recover', worker });
    }
    const step = this.#callers.next(draft);
    if (step) await this.#perform(draft, step);
  }

  async #perform(draft: Draft, step: Step): Promise<void> {
    if (draft.kind === 'ghost') this.ghosts += 1;
    else this.#callers.sent(step);
    await this.#send(step);
    if (!draft.twice || !mayBeDoubled(step)) return;
    this.resends += 1;
    await this.#send(step);
  }

  async clean(): Promise<void> {
    const keys = await this.redis.keys(`*${this.broker.keys.base}*`);
    if (keys.length > 0) await this.redis.del(keys);
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
        return model.store(step);
      case 'wake':
        return void model.wake();
      case 'join':
        return void model.join(step.worker);
      case 'take': {
        const taken = model.take(step.worker, step.number, step.most, step.company);
        if (!Array.isArray(taken)) return taken;
        if (taken.length > 0) this.#callers.given(step.worker, step.number, taken);
        return taken.map(([token, message]) => [token, textOf(message)]);
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
        return void model.expire(step.worker);
      case 'away':
        return void model.away();
      case 'recover':
        return model.recover(step.worker);
      case 'due':
        return void model.due(step.member, step.order);
      case 'promote':
        return void model.promote();
      case 'move':
        return model.move(step.member, step.isNow, step.request) === 1;
      case 'cancel':
        return model.cancel(step.member, step.request) === 1;
      case 'revive':
        return model.revive(step.letters, step.request);
      case 'drop':
        return model.drop(step.letters, step.request);
      case 'pause':
      case 'resume':
        return void (model.isPaused = step.kind === 'pause');
      case 'clear':
        return model.clear(step.request);
      case 'sweep':
        model.sweep();
        return [];
      case 'forget':
        return void model.marks.delete(step.id);
    }
  }

  async #really(step: Step): Promise<unknown> {
    const { broker, redis } = this;
    const { keys } = broker;
    const { wire } = this.#model;
    switch (step.kind) {
      case 'put':
        return this.#put(step);
      case 'wake':
        return void (await redis.lmove(keys.base, keys.inbox, 'LEFT', 'RIGHT'));
      case 'join':
        return broker.join(step.worker, at);
      case 'take': {
        const taken = await broker.take(step.worker, step.number, step.most, step.company, at);
        if (taken === 'lost' || taken.status !== 'served') return taken === 'lost' ? 'lost' : taken.status;
        return taken.held.map(({ token, message }) => [token, message]);
      }
      case 'beat':
        return (await broker.beat(step.worker, step.number, step.known, at)) === 'lost' ? 'lost' : 'beaten';
      case 'ack':
        return broker.ack(step.worker, [step.token], at);
      case 'bury':
        return broker.bury(step.worker, step.token, idOf(step.message, step.worker, step.token), `{"lane":"${step.token[0]}","reason":"test","attempts":1}`, at);
      case 'retry': {
        const { message, token, worker } = step;
        const id = idOf(message, worker, token);
        const header = headerOf({ ...message, id, attempts: message.attempts + 1 });
        const lane = this.#model.laneBack(token);
        return broker.retry(worker, { token, id, lane, delayMs: step.isDelayed ? farMs : 0, header, oldHeaderLength: headerOf(message).length }, at);
      }
      case 'release':
        return broker.release(step.worker, step.tokens, at);
      case 'leave':
        return broker.leave(step.worker, at);
      case 'expire':
        // As if it had not beaten, while others had.
        await redis.hset(keys.meta, 'seen', Date.now());
        return void (await redis.zadd(keys.workers, 'XX', '1', step.worker));
      case 'away':
        await redis.hset(keys.meta, 'seen', 1);
        for (const worker of await redis.zrange(keys.workers, '0', '-1')) await redis.zadd(keys.workers, 'XX', '1', worker);
        return undefined;
      case 'recover':
        return 'ready' in (await broker.recover(step.worker, wire, at));
      case 'due':
        return void (await redis.zadd(keys.delayed, 'XX', String(step.order), step.member));
      case 'promote':
        return void (await broker.promote(at));
      case 'move':
        return (await broker.move(step.member, { afterMs: step.isNow ? 0 : farMs }, step.request, at)).isMoved;
      case 'cancel':
        return broker.cancel(step.member, step.request, at);
      case 'revive':
        return broker.revive(step.letters, wire, step.request, at);
      case 'drop':
        return broker.drop(step.letters, step.request, at);
      case 'pause':
        return broker.pause(undefined, at);
      case 'resume':
        return broker.resume(at);
      case 'clear':
        return broker.clear(step.request, at);
      case 'sweep':
        return (await broker.sweep(['0', '0'], at)).lost;
      case 'forget':
        return void (await redis.del(keys.mark(step.id)));
    }
  }

  async #put({ producer, number, messages, lane, isDelayed, isOwn, most, calls }: Extract<Step, { kind: 'put' }>): Promise<unknown> {
    const terms = { ...(isOwn && { own: { ids: messages.map(({ id }) => id!), forMs: farMs } }), ...(most > 0 && { limit: { most, calls } }) };
    if (!isDelayed) return this.broker.put(producer, number, messages.map(textOf), at, lane, terms);
    const postponed = messages.map((message) => ({ id: message.id ?? message.key, due: { afterMs: farMs }, lane, message: textOf(message) }));
    const { accepted, duplicates } = await this.broker.delay(producer, number, postponed, at, terms);
    return { accepted, duplicates };
  }

  // ---------------------------------------------------------------- comparing

  async #compare(step: Step): Promise<void> {
    const is = await this.#state();
    const ought = this.#modelState();
    const [isText, oughtText] = [JSON.stringify(is), JSON.stringify(ought)];
    if (isText !== oughtText) throw new Error(`after ${JSON.stringify(step)}\n Redis holds ${isText}\n it should be ${oughtText}`);
    const { put, acked, gone, waiting, dead } = this.#model;
    const there = waiting + dead.size + Object.values(ought.claims).flat().length;
    if (put !== acked + gone + there) throw new Error(`${put} were put, ${acked} acknowledged, ${gone} dropped, ${there} are there, after ${JSON.stringify(step)}`);
  }

  async #state() {
    const { keys } = this.broker;
    const workers = [...this.#model.workers.keys()].sort();
    const asked = this.redis.pipeline();
    for (const name of listNames) asked.lrange(keys[name], 0, -1);
    asked.hgetall(keys.delayedMessages).zrange(keys.delayed, '0', '-1').hgetall(keys.deadMessages).zrange(keys.dead, '0', '-1', 'WITHSCORES').zrange(keys.workers, '0', '-1');
    for (const worker of workers) asked.hgetall(keys.claims(worker));
    const answers = await replies(asked);
    const lists = Object.fromEntries(listNames.map((name, index) => [name, answers[index] as string[]]));
    const [delayed, late, dead, scores, registered, ...held] = answers.slice(listNames.length) as [Record<string, string>, string[], Record<string, string>, string[], string[], ...Record<string, string>[]];
    for (let index = 0; index < scores.length; index += 2) this.#toldWhen(scores[index]!, scores[index + 1]!);
    const claims = Object.fromEntries(workers.map((worker, index) => [worker, inOrder(Object.keys(held[index]!).filter((field) => field !== 'seq')).map((token) => `${token} ${held[index]![token]}`)]));
    return {
      lists,
      claims,
      delayed: Object.entries(delayed).map(([member, entry]) => `${member} ${entry}`).sort(),
      late: [...late].sort(),
      dead: Object.entries(dead).map(([member, entry]) => `${member} ${entry.slice(entry.indexOf('\n') + 1)}`).sort(),
      buried: scores.filter((_, index) => index % 2 === 0).sort(),
      workers: [...registered].sort(),
    };
  }

  /** When a letter was buried is the server's to say. */
  #toldWhen(member: string, at: string): void {
    const letter = this.#model.dead.get(member);
    if (letter) letter.at ??= at;
  }

  #modelState() {
    const { lists, workers, delayed, dead } = this.#model;
    const ids = [...workers.keys()].sort();
    return {
      lists: Object.fromEntries(listNames.map((name) => [name, lists[name].map(textOf)])),
      claims: Object.fromEntries(ids.map((id) => [id, inOrder([...workers.get(id)!.claims.keys()]).map((token) => `${token} ${textOf(workers.get(id)!.claims.get(token)!)}`)])),
      delayed: [...delayed].map(([member, { message, lane }]) => `${member} ${lane}${textOf(message)}`).sort(),
      late: [...delayed.keys()].sort(),
      dead: [...dead].map(([member, { message }]) => `${member} ${textOf(message)}`).sort(),
      buried: [...dead.keys()].sort(),
      workers: ids.filter((id) => workers.get(id)!.isRegistered),
    };
  }
}

async function replies(asked: ChainableCommander): Promise<unknown[]> {
  return (await asked.exec())!.map(([error, reply]) => {
    if (error) throw error;
    return reply;
  });
}
