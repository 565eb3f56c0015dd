import type { Scenario } from '../scenario.js';

const everyTime = /^(put|take|ack|beat|retry|release|recover|leave|promote)$/;

const h01: Scenario = {
  id: 'H01',
  name: 'the history of a queue has one put and one ack of each done message, while workers are killed and replies are lost',
  withinMs: { short: 120_000, long: 600_000 },
  async run(world) {
    const keys = world.keys();
    await world.direct.hset(keys.meta, 'history', 'MAXLEN 100000000');
    const proxy = await world.proxy();
    proxy.rule = ({ name, reply }) =>
      reply && everyTime.test(name) && world.dice.chance(0.03) ? { kind: 'after' } : undefined;
    const options = { url: proxy.url, leaseMs: 1_000, concurrency: 5 };
    const crew = [world.worker(options), world.worker(options), world.worker(options)];
    const queue = world.queue({ url: proxy.url });
    const [rounds, kills] = world.isLong ? [600, 20] : [60, 4];
    for (let round = 0; round < rounds; round++) {
      const does = world.dice.pick([undefined, undefined, 'fail:1', 'release:1', 'bury']);
      await world.put(queue, ...Array.from({ length: 5 }, () => world.load(world.dice.whole(0, 60), does)));
      if (round % Math.floor(rounds / kills) === 5) {
        const victim = world.dice.whole(0, crew.length - 1);
        await crew[victim]!.kill();
        crew[victim] = world.worker(options);
      }
    }
    await world.drained(90_000);
    proxy.rule = undefined;
    const verbsOf = new Map<string, string[]>();
    for (const [, words] of await world.direct.xrange(keys.history, '-', '+')) {
      const field = (name: string): string => words[words.indexOf(name) + 1]!;
      const id = field('id');
      verbsOf.set(id, [...(verbsOf.get(id) ?? []), field('verb')]);
    }
    const [ways, letters] = [[...verbsOf.values()], await world.direct.hkeys(keys.deadMessages)];
    const times = (verbs: readonly string[], verb: string): number => verbs.filter((one) => one === verb).length;
    world.figures['messages in the history'] = ways.length;
    world.claim(
      'each message has one put, at first',
      ways.every((verbs) => verbs[0] === 'put' && times(verbs, 'put') === 1),
    );
    world.claim(
      'each message has one end, at last: ack, or bury if it is dead',
      [...verbsOf].every(([id, verbs]) => {
        const last = letters.includes(id) ? 'bury' : 'ack';
        return verbs.at(-1) === last && times(verbs, 'ack') + times(verbs, 'bury') === 1;
      }),
    );
    world.claim(
      'between two takes of a message it went back',
      ways.every((verbs) => {
        const back = verbs.filter((verb) => /^(retry|release|give-back|recover)$/.test(verb)).length;
        return times(verbs, 'take') === back + 1;
      }),
    );
    world.claim('all messages are there', ways.length === rounds * 5);
  },
};

export const historyScenarios = [h01];
