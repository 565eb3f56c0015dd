import { Broker } from '../../../src/redis/broker.js';
import { Connection } from '../../../src/redis/connection.js';
import { Keys } from '../../../src/redis/keys.js';
import type { ClaimRef, Take } from '../../../src/redis/take.js';
import { heldIn } from '../claims.js';
import type { Scenario } from '../scenario.js';
import type { World } from '../world.js';

const at = { withinMs: 10_000 };
const leaseMs = 3_600_000;
const worker = 'worker';

/** Redis commands that scripts use to move a message. */
const writes = ['rpush', 'lpush', 'ltrim', 'lmove', 'hset', 'hsetnx', 'hdel', 'zadd', 'zrem', 'del', 'set'] as const;

/** A queue with eight messages: four active ones of two takes, one delayed and due, one dead, two waiting. */
class Stand {
  readonly broker: Broker;
  readonly #keys: Keys;

  constructor(
    private readonly world: World,
    connection: Connection,
    readonly name: string,
  ) {
    this.#keys = new Keys(name);
    this.broker = new Broker(connection, this.#keys, leaseMs);
  }

  async fill(): Promise<readonly [Take, Take]> {
    const { broker } = this;
    await broker.put(
      {
        producer: 'p',
        number: 1,
        messages: Array.from({ length: 7 }, (_, index) => `#${this.name}-${index} 0 0\n"m${index}"`),
      },
      at,
    );
    await broker.put(
      {
        producer: 'p',
        number: 2,
        delayed: [{ id: `${this.name}-7`, due: { at: 1 }, lane: 'b', message: `#${this.name}-7 0 0\n"m7"` }],
      },
      at,
    );
    await broker.join(worker, 'process', at);
    const takes: Take[] = [];
    for (const number of [1, 2]) {
      const taken = await broker.take(worker, number, number === 1 ? 3 : 2, at);
      if (taken === 'lost' || !taken.take) throw new Error('nothing was taken');
      takes.push(taken.take);
    }
    await broker.bury(
      worker,
      { take: takes[0]!, index: 1 },
      `${this.name}-0`,
      '{"lane":"b","reason":"test","attempts":1}',
      at,
    );
    takes[0]!.confirm(1);
    // The worker has sent no heartbeat since, while others have: so it can be recovered.
    await this.world.direct.hset(this.#keys.meta, 'seen', Date.now());
    await this.world.direct.zadd(this.#keys.workers, 1, worker);
    return takes as [Take, Take];
  }

  async letters(): Promise<{ key: string; at: string }[]> {
    const [key, buriedAt] = await this.world.direct.zrange(this.#keys.dead, 0, '-1', 'WITHSCORES');
    return key === undefined ? [] : [{ key, at: buriedAt! }];
  }

  /** Names of the messages in Redis. A message that is stored twice is listed twice. */
  async whatIsThere(): Promise<string[]> {
    const { direct } = this.world;
    const { base, inbox, high, low, requeued, quarantine, delayedMessages, deadMessages } = this.#keys;
    const texts = await Promise.all([
      ...[base, inbox, high, low, requeued, quarantine].map((list) => direct.lrange(list, 0, -1)),
      direct.hvals(delayedMessages),
      direct.hvals(deadMessages),
    ]);
    const held = heldIn(await direct.hgetallBuffer(this.#keys.claims(worker)));
    return [...texts.flat(), ...held].map((text) => /"(m\d)"/.exec(text)![1]!).sort();
  }
}

type Move = (stand: Stand, takes: readonly [Take, Take]) => Promise<unknown>;

/** Calls that move a message. */
const moves: Readonly<Record<string, Move>> = {
  take: ({ broker }) => broker.take(worker, 3, 2, at),
  'retry now': ({ broker }, [take]) =>
    broker.retry(worker, { take, index: 2 }, { id: 'r', lane: 'b', delayMs: 0, message: take.message(2) }, at),
  'retry later': ({ broker }, [take]) =>
    broker.retry(worker, { take, index: 2 }, { id: 'r', lane: 'b', delayMs: 1_000, message: take.message(2) }, at),
  bury: ({ broker }, [take]) =>
    broker.bury(worker, { take, index: 2 }, 'b', '{"lane":"b","reason":"test","attempts":1}', at),
  release: ({ broker }, takes) =>
    broker.release(
      worker,
      takes.map((take): ClaimRef => ({ take, index: 2 })),
      at,
    ),
  'beat without takes': ({ broker }) => broker.beat(worker, 3, [], at),
  leave: ({ broker }) => broker.leave(worker, at),
  recover: ({ broker }) => broker.recover(worker, 'hotqueue', at),
  promote: ({ broker }) => broker.promote(at),
  move: ({ broker, name }) => broker.move(`${name}-7`, { afterMs: 0 }, 'request', at),
  revive: async (stand) => stand.broker.revive(await stand.letters(), 'hotqueue', 'request', at),
};

const f30: Scenario = {
  id: 'F30',
  name: 'Redis refuses a command in the middle of a script: no message is lost',
  async run(world) {
    const connection = Connection.share({ url: world.redis.url });
    let refused = 0;
    for (const [name, move] of Object.entries(moves)) {
      for (const write of writes) {
        const stand = new Stand(world, connection, world.name('refused'));
        const takes = await stand.fill();
        const before = new Set(await stand.whatIsThere());
        await world.direct.call('ACL', 'SETUSER', 'default', `-${write}`);
        const isRefused = await move(stand, takes).then(
          () => false,
          (error: unknown) => /NOPERM|can't run this command/.test(String(error)) || Promise.reject(error as Error),
        );
        await world.direct.call('ACL', 'SETUSER', 'default', '+@all');
        if (isRefused) refused += 1;
        const missing = async (): Promise<string[]> => {
          const there = new Set(await stand.whatIsThere());
          return [...before].filter((message) => !there.has(message));
        };
        const gone = await missing();
        world.claim(`${name} without ${write} loses no message (lost: ${gone.join(', ')})`, gone.length === 0);
        await move(stand, takes); // send the same call again
        const goneThen = await missing();
        world.claim(
          `${name} without ${write}, sent again, loses no message (lost: ${goneThen.join(', ')})`,
          goneThen.length === 0,
        );
      }
    }
    world.figures['scripts refused in the middle'] = refused;
    world.claim(`Redis refused commands (${refused})`, refused > Object.keys(moves).length);
    await connection.leave();
  },
};

export const refusalScenarios = [f30];
