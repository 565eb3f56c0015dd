import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { start } from '../../../src/index.js';
import { sumOf } from '../history.js';
import type { FaultProxy } from '../proxy.js';
import type { Scenario } from '../scenario.js';
import type { World } from '../world.js';
import { underLoad } from './load.js';

type Verb = 'put' | 'put-with' | 'take' | 'begin' | 'beat' | 'ack' | 'settle' | 'retry' | 'bury' | 'release';

const plainVerbs: readonly Verb[] = ['put', 'take', 'ack', 'retry', 'bury', 'release'];
const trackedVerbs: readonly Verb[] = ['put-with', 'take', 'begin', 'settle', 'release'];

/** The command on the wire, and which of its replies may be broken; all by default. */
const wire: Partial<Record<Verb, { names: readonly string[]; isIt: (reply: Buffer) => boolean }>> = {
  take: { names: ['take', 'take-tracked'], isIt: (reply) => /^\*([79]|10)\r\n/.test(reply.toString('latin1', 0, 5)) }, // with messages
};
const onWire = (verb: Verb) => wire[verb] ?? { names: [verb], isIt: () => true };

/** What a message asks of its handler, so that the worker sends the command. */
const asks: Partial<Record<Verb, string>> = { retry: 'fail:1', bury: 'bury', release: 'release:1' };

/**
 * Loses calls of one verb, or their replies, until `wanted` are lost, while messages are put and handled.
 *
 * @param kind `before`: the server never receives the call; `after`: the server executes it, and its reply is lost
 */
async function lose(world: World, kind: 'before' | 'after', verb: Verb, wanted: number, part = ''): Promise<void> {
  const proxy = await world.proxy();
  const name = `lost-${verb}${part}`;
  const { names, isIt } = onWire(verb);
  const isBeat = verb === 'beat';
  proxy.rule = ({ name: sent, reply }) => {
    const isWanted =
      names.includes(sent) && (kind === 'before' ? !reply : reply && isIt(reply)) && proxy.faults() < wanted;
    return isWanted && world.dice.chance(isBeat ? 0.3 : 0.6) ? { kind } : undefined;
  };
  // The lease sets the rate of heartbeats, so it is short for them. For the other verbs it is so long that no lease ends in the scenario.
  const leaseMs = isBeat ? 2_000 : 120_000;
  world.startWorkers({ url: proxy.url, queue: name, leaseMs, workers: 2, concurrency: 4 });
  const producer = world.queue({ name, url: verb.startsWith('put') ? proxy.url : world.redis.url });
  const mostMs = kind === 'before' ? 150 : 0; // the messages of a take are settled at different times
  while (proxy.faults() < wanted) {
    const loads = Array.from({ length: world.dice.whole(1, verb.startsWith('put') ? 3 : 6) }, () =>
      world.load(isBeat ? world.dice.whole(500, 2_500) : world.dice.whole(0, mostMs), does(world, kind, verb)),
    );
    if (verb === 'begin') await world.direct.sadd(`{hotqueue:${name}}:jobs:check`, 'any'); // otherwise it is sent rarely
    await world.put(producer, ...loads);
    await world.until(async () => (await world.direct.llen(`hotqueue:${name}`)) < 40);
    await pause(isBeat ? 100 : 5);
  }
  const figure = kind === 'before' ? `lost ${verb} calls` : `lost ${verb} replies`;
  world.figures[figure] = (world.figures[figure] ?? 0) + proxy.faults();
}

/** What a message asks of its handler, so that the worker sends the call. If calls are lost, some messages of the take ask for nothing and are acknowledged. */
function does(world: World, kind: 'before' | 'after', verb: Verb): string | undefined {
  if (verb === 'ack') return world.dice.chance(0.5) ? 'ack' : undefined;
  if (verb === 'settle') return world.dice.pick([undefined, undefined, 'fail:1', 'bury', 'ack']);
  return kind === 'after' || world.dice.chance(0.5) ? asks[verb] : undefined;
}

const f04: Scenario = {
  id: 'F04',
  name: 'replies are lost after the server has executed the call',
  withinMs: { short: 180_000, long: 1_200_000 },
  async run(world) {
    world.allowed = { noRecovery: true };
    const verbs = world.isTracked ? trackedVerbs : plainVerbs;
    const wanted = world.isLong ? 1_000 : 50;
    // Heartbeats are rare, and a connection that loses all of them cannot keep a lease: so many connections lose a few each.
    const beats = Array.from({ length: 10 }, (_, index) => lose(world, 'after', 'beat', wanted / 10, String(index)));
    const others = verbs.flatMap((verb) =>
      (world.isLong ? ['a', 'b', 'c', 'd'] : ['a', 'b']).map((part, _, parts) =>
        lose(world, 'after', verb, wanted / parts.length, part),
      ),
    );
    await Promise.all([...others, ...beats]);
    await world.drained();
  },
};

const f04b: Scenario = {
  id: 'F04b',
  name: 'calls are lost before the server receives them',
  withinMs: { short: 180_000, long: 1_200_000 },
  async run(world) {
    world.allowed = { noRecovery: true };
    const verbs = world.isTracked ? trackedVerbs : plainVerbs;
    const wanted = world.isLong ? 500 : 40;
    await Promise.all(verbs.flatMap((verb) => ['a', 'b'].map((part) => lose(world, 'before', verb, wanted / 2, part))));
    await world.drained();
  },
};

const f03: Scenario = {
  id: 'F03',
  name: 'connections are cut in the middle of a reply',
  withinMs: { short: 120_000, long: 600_000 },
  async run(world) {
    world.allowed = { noRecovery: true };
    const step = world.isLong ? 1 : 5;
    const cutting = async (verb: Verb): Promise<void> => {
      const proxy = await world.proxy();
      const name = `cut-${verb}`;
      world.startWorkers({ url: proxy.url, queue: name, leaseMs: 120_000, concurrency: 2 });
      const producer = world.queue({ name, url: verb.startsWith('put') ? proxy.url : world.redis.url });
      const { names, isIt } = onWire(verb);
      const longest = verb === 'take' ? 160 : 5;
      for (let bytes = 1; bytes < longest; bytes += verb === 'take' ? step : 1) {
        let isCut = false;
        proxy.rule = ({ name: sent, reply }) => {
          if (isCut || !names.includes(sent) || !reply || !isIt(reply)) return undefined;
          isCut = true;
          return { kind: 'inside', bytes };
        };
        for (const givenUpAt = Date.now() + 20_000; !isCut && Date.now() < givenUpAt; await pause(5))
          await world.put(producer, world.load(0));
      }
    };
    const verbs = world.isTracked ? (['put-with', 'take', 'settle'] as const) : (['put', 'take', 'ack'] as const);
    await Promise.all(verbs.map(cutting));
    await world.drained();
  },
};

const f03c: Scenario = {
  id: 'F03c',
  name: 'replies begin with a byte that is not RESP',
  withinMs: { short: 120_000, long: 600_000 },
  async run(world) {
    world.allowed = { noRecovery: true };
    const wanted = world.isLong ? 200 : 15;
    const spoiling = async (verb: Verb): Promise<void> => {
      const proxy = await world.proxy();
      const name = `spoilt-${verb}`;
      const { names, isIt } = onWire(verb);
      const isBeat = verb === 'beat';
      proxy.rule = ({ name: sent, reply }) =>
        names.includes(sent) && reply && isIt(reply) && proxy.faults() < wanted && world.dice.chance(0.5)
          ? { kind: 'corrupt', bytes: 0 }
          : undefined;
      world.startWorkers({ url: proxy.url, queue: name, leaseMs: isBeat ? 2_000 : 120_000, concurrency: 4 });
      const producer = world.queue({ name, url: verb.startsWith('put') ? proxy.url : world.redis.url });
      while (proxy.faults() < (isBeat ? wanted / 5 : wanted)) {
        await world.put(
          producer,
          ...Array.from({ length: world.dice.whole(1, 4) }, () => world.load(isBeat ? 700 : 0, asks[verb])),
        );
        await world.until(async () => (await world.direct.llen(`hotqueue:${name}`)) < 20);
        await pause(isBeat ? 100 : 5);
      }
      world.figures[`spoilt ${verb} replies`] = proxy.faults();
    };
    await Promise.all([...plainVerbs, 'beat' as const].map(spoiling));
    await world.drained();
  },
};

const twoBlocksMs = 10_000;

const f05: Scenario = {
  id: 'F05',
  name: 'connections are half-open while a worker is idle, takes or acknowledges',
  async run(world) {
    world.allowed = { losesLeases: true };
    const halfOpen = async (moment: 'idle' | 'taking' | 'acknowledging'): Promise<void> => {
      const proxy = await world.proxy();
      const name = `half-open-${moment}`;
      const { queue } = world.startWorkers({ url: proxy.url, queue: name, leaseMs: 30_000, concurrency: 2 });
      const producer = world.queue({ name });
      const first = world.load(moment === 'acknowledging' ? 300 : 0);
      await world.put(producer, first);
      await world.until(() => world.entries().some(({ f, key }) => f === 'start' && key === first.key));
      if (moment === 'idle') await world.until(async () => (await queue.counts()).active === 0);
      if (moment === 'taking') void world.put(producer, ...Array.from({ length: 50 }, () => world.load(1)));
      const before = proxy.connections;
      proxy.blackHole();
      const next = world.load(0);
      await world.put(producer, next);
      await world.soon(`half-open while ${moment}: the worker takes again`, twoBlocksMs, () =>
        world.entries().some(({ f, key }) => f === 'start' && key === next.key),
      );
      await world.drained();
      world.claim(
        `the number of connections did not grow (${proxy.connections}, before ${before})`,
        proxy.connections <= Math.max(before, 2),
      );
    };
    await Promise.all([halfOpen('idle'), halfOpen('taking'), halfOpen('acknowledging')]);
  },
};

const f05f: Scenario = {
  id: 'F05f',
  name: 'a worker without a connection aborts its handlers before another worker starts their messages',
  async run(world) {
    world.allowed = { losesLeases: true };
    const proxy = await world.proxy();
    const gate = path.join(world.place, 'gate');
    const leaseMs = 6_000;
    world.startWorkers({ url: proxy.url, leaseMs, concurrency: 5 });
    const producer = world.queue({ lease: leaseMs });
    const loads = Array.from({ length: 5 }, () => world.load(0, `hold:${gate}`));
    await world.put(producer, ...loads);
    world.claim('the worker has started five messages', await world.until(() => world.count('start') === 5));
    proxy.greets = 'mute';
    proxy.blackHole();
    world.startWorkers({ leaseMs, concurrency: 5 });
    world.claim('another worker has started them again', await world.until(() => world.count('start') >= 10));
    const entries = world.entries();
    for (const { key } of loads) {
      const aborted = entries.find((entry) => entry.f === 'aborted' && entry.key === key);
      const again = entries.filter((entry) => entry.f === 'start' && entry.key === key).at(1);
      world.claim(
        `the signal of ${key} aborted before its message was started again`,
        aborted !== undefined && again !== undefined && aborted.t < again.t,
      );
    }
    writeFileSync(gate, '');
    proxy.greets = 'normal';
    proxy.reset();
    await world.drained();
  },
};

const f06: Scenario = {
  id: 'F06',
  name: 'connections are reset again and again',
  withinMs: { short: 120_000, long: 300_000 },
  async run(world) {
    world.allowed = { noRecovery: true };
    const proxy = await world.proxy();
    const flaps = world.isLong ? 500 : 50;
    // One for commands, because all runners share an address, and one for the wait of each runner.
    const mostConnections = 3;
    const socketsEach = 3; // one of the client, two of the proxy
    let before = { connections: 0, resources: 0 };
    await underLoad(world, { count: 300, url: proxy.url, leaseMs: 10_000 }, async () => {
      await world.until(() => world.count('start') > 20); // as in F29
      before = { connections: proxy.connections, resources: sockets() };
      for (let index = 0; index < flaps; index++) {
        proxy.reset();
        await pause(world.dice.whole(5, 150));
      }
    });
    await world.until(() => proxy.connections <= mostConnections, 5_000);
    world.figures['connections before'] = before.connections;
    world.figures['connections after'] = proxy.connections;
    const grown = socketsEach * Math.max(0, proxy.connections - before.connections); // a runner may wait now that did not wait then
    world.claim(
      `at most ${mostConnections} connections are open (${proxy.connections})`,
      proxy.connections <= mostConnections,
    );
    world.claim(
      `the number of sockets did not grow (${sockets()}, before ${before.resources})`,
      sockets() <= before.resources + grown + 2,
    );
  },
};

const sockets = (): number =>
  (process as unknown as { getActiveResourcesInfo(): string[] })
    .getActiveResourcesInfo()
    .filter((kind) => /TCP|Pipe/.test(kind)).length;

const f07: Scenario = {
  id: 'F07',
  name: 'the handshake fails: no reply, resets, lost calls, lost replies',
  async run(world) {
    world.allowed = { noRecovery: true };
    const attack = async (
      kind: string,
      begin: (proxy: FaultProxy) => void,
      end: (proxy: FaultProxy) => void,
    ): Promise<void> => {
      const proxy = await world.proxy();
      begin(proxy);
      world.startWorkers({ url: proxy.url, queue: `shake-${kind}`, leaseMs: 60_000, mayEnd: true });
      const producer = world.queue({ name: `shake-${kind}`, url: proxy.url });
      const putting = world.put(producer, world.load(0));
      await world.until((): boolean => proxy.faults() >= 2, 15_000);
      end(proxy);
      // If a configured server does not answer, the first call rejects with an error. Later calls must work.
      const code = await putting;
      world.claim(
        `the first put succeeds or rejects with a typed error (${code})`,
        code === undefined || /^REDIS_UNREACHABLE|OUTCOME_UNKNOWN$/.test(code),
      );
      world.claim(`the next put after "${kind}" succeeds`, (await world.put(producer, world.load(0))) === undefined);
    };
    const rule = (names: readonly string[], kind: 'before' | 'after') => (proxy: FaultProxy) => {
      proxy.rule = ({ name, reply }) =>
        names.includes(name) && Boolean(reply) === (kind === 'after') ? { kind } : undefined;
    };
    const noRule = (proxy: FaultProxy): void => void (proxy.rule = undefined);
    await Promise.all([
      attack(
        'silent',
        (proxy) => (proxy.greets = 'mute'),
        (proxy) => (proxy.greets = 'normal'),
      ),
      attack(
        'reset',
        (proxy) => (proxy.greets = 'reset'),
        (proxy) => (proxy.greets = 'normal'),
      ),
      attack('hello', rule(['hello', 'info', 'client', 'select'], 'before'), noRule),
      attack('answer', rule(['hello', 'info', 'client', 'select'], 'after'), noRule),
    ]);
    // Workers that got no reply when they started have ended with an error. New workers take over.
    for (const kind of ['silent', 'reset', 'hello', 'answer'])
      world.startWorkers({ queue: `shake-${kind}`, leaseMs: 60_000 });
    await world.drained();
  },
};

const f27: Scenario = {
  id: 'F27',
  name: 'the network is slow',
  async run(world) {
    world.allowed = { noRecovery: true };
    const proxy = await world.proxy();
    proxy.delayMs = () => world.dice.whole(0, 100) + (world.dice.chance(0.02) ? 300 : 0);
    await underLoad(
      world,
      {
        count: world.isLong ? 2_000 : 200,
        url: proxy.url,
        leaseMs: 4_000,
        mostBatch: 20,
        everyMs: 50,
        drainMs: 120_000,
      },
      async (isEnough) => {
        await world.until(isEnough, world.isLong ? 180_000 : 60_000);
      },
    );
    world.figures['lost events'] = world.count('lost');
    world.claim('no lease was lost', world.count('lost') === 0);
  },
};

const f27w: Scenario = {
  id: 'F27w',
  name: 'replies to one packet arrive separately: an idle worker process keeps running',
  async run(world) {
    world.allowed = { noRecovery: true };
    const proxy = await world.proxy();
    proxy.delayMs = () => world.dice.whole(10, 40);
    const producer = world.queue({ lease: 60_000 });
    const worker = world.worker({ url: proxy.url, leaseMs: 60_000, concurrency: 5 });
    await world.until(() => world.count('up', worker.proc) > 0);
    for (let index = 0; index < (world.isLong ? 200 : 20) && !worker.child.isOver; index++) {
      // One message at a time: each one arrives at an idle worker, whose process has nothing else to do.
      const load = world.load();
      await world.put(producer, load);
      await world.until(
        () => worker.child.isOver || world.entries().some(({ f, key }) => f === 'end' && key === load.key),
      );
      await pause(world.dice.whole(50, 150));
    }
    world.claim(
      `the worker process did not end by itself (${worker.child.isOver ? await worker.child.ended : 'it is running'})`,
      !worker.child.isOver,
    );
    await world.drained(5_000);
  },
};

const f33: Scenario = {
  id: 'F33',
  name: 'an idle worker takes each message with one call',
  async run(world) {
    world.allowed = { noRecovery: true };
    const proxy = await world.proxy();
    const calls = { take: 0, blmove: 0 };
    proxy.rule = ({ name, reply }) => {
      if (!reply && (name === 'take' || name === 'blmove')) calls[name] += 1;
      return undefined;
    };
    const rounds = world.isLong ? 200 : 30;
    const queue = world.queue({ url: proxy.url, lease: 60_000 }, world.name('w'));
    const { lines: history } = queue;
    // Without a promise: a handler that is still running keeps the next take from going with the wait.
    const runner = start(
      queue.worker(
        (load, { id, attempt }) => {
          history.write('start', { key: load.key, id, attempt, sum: sumOf(load) });
          history.write('end', { key: load.key, id, attempt });
        },
        { concurrency: 5 },
      ),
    );
    const producer = world.queue({ lease: 60_000 });
    await world.until(() => calls.blmove > 0);
    for (let round = 1; round <= rounds; round++) {
      await world.put(producer, world.load());
      // The next wait is sent when the worker is idle again.
      await world.until(() => calls.blmove > round);
    }
    world.figures['takes'] = calls.take;
    world.figures['waits'] = calls.blmove;
    // The first take goes before the first wait, and again with its text, as a new server does not know the script. After it,
    // each wait has one take, sent with it.
    world.claim(
      `no take is sent but with a wait (${calls.take} takes, ${calls.blmove} waits)`,
      calls.take <= calls.blmove + 2,
    );
    await world.drained();
    await runner.stop();
  },
};

const f29: Scenario = {
  id: 'F29',
  name: 'the server kills client connections',
  async run(world) {
    world.allowed = { noRecovery: true };
    const kills = world.isLong ? 200 : 20;
    await underLoad(world, { count: 400, leaseMs: 10_000 }, async () => {
      await world.until(() => world.count('start') > 20); // a worker that finds no Redis when it starts ends with an error
      for (let index = 0; index < kills; index++) {
        const clients = (await world.direct.client('LIST')) as string;
        const waiting = /^id=(\d+) .* cmd=blmove /m.exec(clients)?.[1];
        world.fault('client-kill');
        if (waiting && world.dice.chance(0.5)) await world.direct.call('CLIENT', 'KILL', 'ID', waiting);
        else await world.direct.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
        await pause(world.dice.whole(50, 250));
      }
    });
  },
};

export const connectionScenarios = [f03, f03c, f04, f04b, f05, f05f, f06, f07, f27, f27w, f29, f33];
