import fc from 'fast-check';
import type { ChainableCommander, Redis } from 'ioredis';
import { IncompatibleWorkersError } from '../../src/core/errors.js';
import type { Broker } from '../../src/redis/broker.js';
import { claimsLayout } from '../../src/redis/layouts.js';
import { Take } from '../../src/redis/take.js';
import { Callers, type Draft, mayBeDoubled, mayBeLate, someDrafts, type Step } from './callers.js';
import { giveBackUnbegun } from '../support/takes.js';
import { copyOf, putBack } from './copies.js';
import { idOf, type ListName, type Message, Model, rangesOf, type TakeState, type WorkerState } from './model.js';

export interface Simulated {
  readonly runs: number;
  readonly steps: number;
  readonly ghosts: number;
  readonly resends: number;
}

/**
 * Runs random sequences of transitions against Redis and against the model. A transition may be sent twice, or again much
 * later, and its reply may be lost. After every step, the reply and the state of Redis must equal those of the model, and no
 * message may be missing.
 *
 * @param fresh creates a broker on an unused queue, with leases that do not end by themselves
 * @throws an error with the shortest failing sequence, its seed and its path
 */
export async function simulate(
  fresh: () => Broker,
  redis: Redis,
  options: { seed: number; runs: number; steps: number; withinMs?: number; shrinks?: boolean },
): Promise<Simulated> {
  const sum = { runs: 0, steps: 0, ghosts: 0, resends: 0 };
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('hotqueue', 'hotqueue', 'plain'),
      someDrafts(options.steps),
      async (wire, steps) => {
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
      },
    ),
    {
      seed: options.seed,
      numRuns: options.runs,
      interruptAfterTimeLimit: options.withinMs ?? 600_000,
      endOnFailure: options.shrinks === false,
    },
  );
  return sum;
}

const at = { withinMs: 10_000 };
const farMs = 86_400_000;
const headerOf = ({ id, attempts, crashes }: Message): string =>
  id === undefined ? '' : `#${id} ${attempts} ${crashes}\n`;
const textOf = (message: Message): string => `${headerOf(message)}"${message.key}"`;
const listNames: readonly ListName[] = ['base', 'inbox', 'high', 'low', 'requeued', 'quarantine'];

class Simulation {
  steps = 0;
  ghosts = 0;
  resends = 0;
  readonly #model: Model;
  readonly #callers: Callers;
  /** State of the replica: a copy of the model and of the keys in Redis. */
  #replica: { readonly model: object; readonly redis: Awaited<ReturnType<typeof copyOf>> } | undefined;

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
      await this.#perform({ ...draft, twice: false, transmission: 'heard' }, { kind: 'expire', worker });
      return this.#perform(draft, { kind: 'recover', worker });
    }
    const step = this.#callers.next(draft);
    if (step) await this.#perform(draft, step);
    if (draft.kind === 'away' && draft.pick % 2 === 0) await this.#returns(draft);
  }

  /** After an outage of the server, one worker sends a heartbeat first. Then another process tries to recover a worker with an expired lease. */
  async #returns({ who, ...draft }: Draft): Promise<void> {
    const beat = this.#callers.next({ ...draft, who, kind: 'beat' })!;
    await this.#perform({ ...draft, who, transmission: 'heard' }, beat);
    await this.#perform(
      { ...draft, who, transmission: 'heard' },
      { kind: 'recover', worker: this.#callers.someone(who + 1) },
    );
  }

  async #perform(draft: Draft, step: Step): Promise<void> {
    if (draft.kind === 'ghost') this.ghosts += 1;
    else this.#callers.sent(step);
    if (draft.transmission === 'late' && mayBeLate(step)) return;
    const taken = await this.#send(step, draft.kind !== 'ghost' && draft.transmission === 'heard');
    if (draft.twice && mayBeDoubled(step)) {
      this.resends += 1;
      await this.#send(step, false);
    }
    // A process notes a quarantined message before its handler starts. In one of four cases, this call does not arrive.
    const process = step.kind === 'take' && taken?.lanes[0] === 's' && this.#model.workers.get(step.worker)?.process;
    if (process && draft.transmission === 'heard' && draft.pick % 4 > 0)
      await this.#perform(
        { ...draft, kind: 'take', twice: false },
        { kind: 'note quarantined', worker: (step as { worker: string }).worker, process },
      );
  }

  async clean(): Promise<void> {
    const keys = await this.#keys();
    if (keys.length > 0) await this.redis.del(keys);
  }

  #keys(): Promise<string[]> {
    return this.redis.keys(`*${this.broker.keys.base}*`);
  }

  // ---------------------------------------------------------------- sending

  /** @param isHeard whether the reply arrives @returns the messages of a take, if the step is a take that brought messages */
  async #send(step: Step, isHeard: boolean): Promise<TakeState | undefined> {
    this.steps += 1;
    const really = await this.#really(step);
    const meant = this.#asModelled(step);
    const [said, ought] = [
      really instanceof Take ? takeText(really) : really,
      isTake(meant) ? takeStateText(meant) : meant,
    ];
    if (JSON.stringify(said) !== JSON.stringify(ought))
      throw new Error(
        `${JSON.stringify(step)}: Redis replied ${JSON.stringify(said)}, expected ${JSON.stringify(ought)}`,
      );
    await this.#compare(step);
    if (isHeard && step.kind === 'take' && really instanceof Take && isTake(meant))
      this.#callers.given(step.worker, really, meant.messages);
    if (isHeard && step.kind !== 'take') this.#callers.heard(step, really);
    return isTake(meant) ? meant : undefined;
  }

  #asModelled(step: Step): unknown {
    const model = this.#model;
    switch (step.kind) {
      case 'put':
        return model.store(step);
      case 'wake':
        return void model.wake();
      case 'quarantined':
        return void model.quarantined(step.message);
      case 'join':
        return model.join(step.worker, step.process, step.beside);
      case 'take':
        return model.take(step.worker, step.number, step.most);
      case 'beat':
        return model.beat(
          step.worker,
          step.number,
          step.takes.map(({ settlement }) => settlement),
        );
      case 'ack':
        return model.ack(
          step.worker,
          step.takes.map(({ settlement }) => settlement),
        );
      case 'bury':
        return model.bury(step.worker, step.spot);
      case 'retry':
        return model.retry(step.worker, step.spot, step.isDelayed);
      case 'release':
        return model.release(step.worker, step.spots);
      case 'give back':
        return model.giveBack(step.worker, step.begun, step.newest);
      case 'note quarantined':
      case 'forget quarantined':
        return void model.note(step.process, step.worker, step.kind === 'note quarantined');
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
      case 'replicate':
      case 'fail over':
        return undefined; // see `#really`
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
      case 'quarantined':
        return void (await redis.rpush(keys.quarantine, textOf(step.message)));
      case 'join':
        return this.#join(step);
      case 'take': {
        const taken = await broker.take(step.worker, step.number, step.most, at);
        if (taken === 'lost' || taken.status === 'paused') return taken === 'lost' ? 'lost' : 'paused';
        return taken.take ?? 'nothing';
      }
      case 'beat': {
        const takes = step.takes.map(({ words }) => ({ acknowledgements: [...words] }));
        return (await broker.beat(step.worker, step.number, takes, at)) === 'lost' ? 'lost' : 'beaten';
      }
      case 'ack':
        return broker.ack(
          step.worker,
          step.takes.map(({ words }) => ({ settlement: [...words] })),
          at,
        );
      case 'bury': {
        const { worker, spot } = step;
        const take = this.#callers.take(worker, spot);
        const lane = take.lane(spot.index);
        const id = idOf(this.#callers.message(worker, spot), worker, lane, spot);
        return broker.bury(
          worker,
          { take, index: spot.index },
          id,
          `{"lane":"${lane}","reason":"test","attempts":1}`,
          at,
        );
      }
      case 'retry': {
        const { worker, spot, isDelayed } = step;
        const take = this.#callers.take(worker, spot);
        const message = this.#callers.message(worker, spot);
        const id = idOf(message, worker, take.lane(spot.index), spot);
        const text = textOf({ ...message, id, attempts: message.attempts + 1 });
        const lane = this.#model.laneBack(take.lane(spot.index));
        return broker.retry(
          worker,
          { take, index: spot.index },
          { id, lane, delayMs: isDelayed ? farMs : 0, message: Buffer.from(text) },
          at,
        );
      }
      case 'release':
        return broker.release(
          step.worker,
          step.spots.map((spot) => ({ take: this.#callers.take(step.worker, spot), index: spot.index })),
          at,
        );
      case 'give back':
        return (await giveBackUnbegun(broker, step.worker, step.begun, step.newest)) < 0 ? 'lost' : 'done';
      case 'note quarantined':
        return broker.noteQuarantined(this.#process(step.process), step.worker);
      case 'forget quarantined':
        return broker.forgetQuarantined(this.#process(step.process), step.worker);
      case 'leave':
        return broker.leave(step.worker, at);
      case 'expire':
        // The same state as when this worker has stopped its heartbeats while others continue.
        await redis.hset(keys.meta, 'seen', Date.now());
        return this.#endLease(step.worker);
      case 'away':
        await redis.hset(keys.meta, 'seen', 1);
        for (const worker of await redis.zrange(keys.workers, '0', '-1')) await this.#endLease(worker);
        return undefined;
      case 'recover':
        return 'waiting' in (await broker.recover(step.worker, wire, at));
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
      case 'replicate':
        return void (this.#replica = { model: this.#model.copy(), redis: await copyOf(redis, await this.#keys()) });
      case 'fail over':
        return this.#failOver();
    }
  }

  async #put({
    producer,
    number,
    messages,
    lane,
    isDelayed,
    isOwn,
    most,
    calls,
  }: Extract<Step, { kind: 'put' }>): Promise<unknown> {
    const terms = {
      ...(isOwn && { own: { ids: messages.map(({ id }) => id!), forMs: farMs } }),
      ...(most > 0 && { limit: { most, calls } }),
    };
    const postponed = messages.map((message) => ({
      id: message.id ?? message.key,
      due: { afterMs: farMs },
      lane,
      message: textOf(message),
    }));
    const { accepted, duplicates } = await this.broker.put(
      isDelayed
        ? { producer, number, delayed: postponed, ...terms }
        : { producer, number, messages: messages.map(textOf), lane, ...terms },
      at,
    );
    return { accepted, duplicates: [...duplicates.keys()] };
  }

  /** Joins, also beside workers of an older version (their registry is a set) or of a newer version. */
  async #join({ worker, process, beside }: Extract<Step, { kind: 'join' }>): Promise<'joined' | 'refused'> {
    const { earlier, registry, meta } = this.broker.keys;
    const aside = `${earlier.registry}:aside`;
    const areSome = (await this.redis.exists(registry)) === 1;
    if (beside === 'older' && areSome) await this.redis.rename(earlier.registry, aside);
    if (beside === 'older') await this.redis.sadd(earlier.registry, 'older');
    if (beside === 'newer') await this.redis.hset(meta, 'layout', '4');
    try {
      await this.broker.join(worker, this.#process(process), at);
      return 'joined';
    } catch (error) {
      if (error instanceof IncompatibleWorkersError) return 'refused';
      throw error;
    } finally {
      if (beside === 'older') await this.redis.del(earlier.registry);
      if (beside === 'older' && areSome) await this.redis.rename(aside, earlier.registry);
      if (beside === 'newer' && areSome) await this.redis.hset(meta, 'layout', claimsLayout);
    }
  }

  /** Ends a lease. An extended one ends at half a ms, and stays marked. */
  async #endLease(worker: string): Promise<void> {
    const { workers } = this.broker.keys;
    const ends = await this.redis.zscore(workers, worker);
    if (ends !== null) await this.redis.zadd(workers, 'XX', String(1 + (Number(ends) % 1)), worker);
  }

  /** Replaces the state of Redis by the state of the replica, as a failover does. */
  async #failOver(): Promise<void> {
    if (!this.#replica) return;
    await putBack(this.redis, await this.#keys(), this.#replica.redis);
    this.#model.restore(this.#replica.model);
    this.#callers.failedOver();
  }

  /** Notes of quarantined messages are shared by all queues, so every run uses process names of its own. */
  #process(name: string): string {
    return `${this.broker.keys.base}:${name}`;
  }

  // ---------------------------------------------------------------- comparing

  async #compare(step: Step): Promise<void> {
    const is = await this.#state();
    const ought = this.#modelState();
    const [isText, oughtText] = [JSON.stringify(is), JSON.stringify(ought)];
    if (isText !== oughtText)
      throw new Error(`after ${JSON.stringify(step)}\n Redis holds ${isText}\n expected    ${oughtText}`);
    const { put, acked, gone, waiting, dead, held } = this.#model;
    if (put !== acked + gone + waiting + dead.size + held)
      throw new Error(
        `messages do not add up: put ${put}, acknowledged ${acked}, dropped ${gone}, waiting or delayed ${waiting}, active ${held}, dead ${dead.size}, after ${JSON.stringify(step)}`,
      );
  }

  async #state() {
    const { keys } = this.broker;
    const workers = [...this.#model.workers.keys()].sort();
    const processes = [...this.#model.notes.keys()].sort();
    const asked = this.redis.pipeline();
    for (const name of listNames) asked.lrange(keys[name], 0, -1);
    asked
      .hgetall(keys.delayedMessages)
      .zrange(keys.delayed, '0', '-1')
      .hgetall(keys.deadMessages)
      .zrange(keys.dead, '0', '-1', 'WITHSCORES')
      .zrange(keys.workers, '0', '-1')
      .hgetall(keys.registry)
      .exists(keys.earlier.registry);
    for (const process of processes) asked.hkeys(keys.quarantineOf(this.#process(process)));
    for (const worker of workers) asked.hgetallBuffer(keys.claims(worker));
    const answers = await replies(asked);
    const lists = Object.fromEntries(listNames.map((name, index) => [name, answers[index] as string[]]));
    const [delayed, late, dead, scores, registered, registry, isShut, ...rest] = answers.slice(listNames.length) as [
      Record<string, string>,
      string[],
      Record<string, string>,
      string[],
      string[],
      Record<string, string>,
      number,
      ...unknown[],
    ];
    for (let index = 0; index < scores.length; index += 2) this.#toldWhen(scores[index]!, scores[index + 1]!);
    return {
      lists,
      claims: Object.fromEntries(
        workers.map((worker, index) => [worker, claimLines(rest[processes.length + index] as Record<string, Buffer>)]),
      ),
      delayed: Object.entries(delayed)
        .map(([member, entry]) => `${member} ${entry}`)
        .sort(),
      late: [...late].sort(),
      dead: Object.entries(dead)
        .map(([member, entry]) => `${member} ${entry.slice(entry.indexOf('\n') + 1)}`)
        .sort(),
      buried: scores.filter((_, index) => index % 2 === 0).sort(),
      workers: [...registered].sort(),
      isShutForEarlierVersions: isShut === 1,
      registry: Object.entries(registry)
        .map(([worker, process]) => `${worker} ${process}`)
        .sort(),
      notes: processes.map((process, index) => `${process}: ${[...(rest[index] as string[])].sort().join(' ')}`),
    };
  }

  /** Copies the time of burial from Redis into the model, because the model has no clock. */
  #toldWhen(member: string, at: string): void {
    const letter = this.#model.dead.get(member);
    if (letter) letter.at ??= at;
  }

  #modelState() {
    const { lists, workers, delayed, dead, notes } = this.#model;
    const ids = [...workers.keys()].sort();
    const registered = ids.filter((id) => workers.get(id)!.isRegistered);
    return {
      lists: Object.fromEntries(listNames.map((name) => [name, lists[name].map(textOf)])),
      claims: Object.fromEntries(ids.map((id) => [id, claimLinesOf(workers.get(id)!)])),
      delayed: [...delayed].map(([member, { message, lane }]) => `${member} ${lane}${textOf(message)}`).sort(),
      late: [...delayed.keys()].sort(),
      dead: [...dead].map(([member, { message }]) => `${member} ${textOf(message)}`).sort(),
      buried: [...dead.keys()].sort(),
      workers: registered,
      isShutForEarlierVersions: registered.length > 0,
      registry: registered.map((id) => `${id} ${this.#process(workers.get(id)!.process)}`),
      notes: [...notes.keys()].sort().map((process) => `${process}: ${[...notes.get(process)!].sort().join(' ')}`),
    };
  }
}

const isTake = (meant: unknown): meant is TakeState => typeof meant === 'object' && meant !== null && 'lanes' in meant;

/** A take as its worker receives it: each message with its lane, and a mark if it is settled. */
function takeText(take: Take): string[] {
  return Array.from(
    { length: take.size },
    (_, at) => `${take.lane(at + 1)} ${take.message(at + 1).toString()}${take.isSettled(at + 1) ? ' settled' : ''}`,
  );
}

function takeStateText({ lanes, messages, acked, effects }: TakeState): string[] {
  return messages.map(
    (message, at) => `${lanes[at]} ${textOf(message)}${acked.has(at + 1) || effects.has(at + 1) ? ' settled' : ''}`,
  );
}

/** Every field of a claims hash; packed takes are unpacked. */
function claimLines(fields: Record<string, Buffer>): string[] {
  return Object.entries(fields)
    .map(([field, value]) => {
      const number = /^t(\d+)$/.exec(field)?.[1];
      return `${field} ${number === undefined ? value.toString() : takeText(new Take('', Number(number), value)).join(', ')}`;
    })
    .sort();
}

/** The expected fields of a worker's claims hash. A finished take leaves no field. */
function claimLinesOf({ seq, takes }: WorkerState): string[] {
  const lines = seq === 0 ? [] : [`seq ${seq}`];
  for (const { number, lanes, messages, acked, effects } of takes.values()) {
    lines.push(
      `t${number} ${messages.map((message, at) => `${lanes[at]} ${textOf(message)}`).join(', ')}`,
      `a${number} ${acked.size} ${messages.length} ${rangesOf(acked)}`,
    );
    for (const index of effects) lines.push(`e${number}.${index} 1`);
    if (lanes[0] === 's') lines.push(`s${number} 1`);
  }
  return lines.sort();
}

async function replies(asked: ChainableCommander): Promise<unknown[]> {
  return (await asked.exec())!.map(([error, reply]) => {
    if (error) throw error;
    return reply;
  });
}
