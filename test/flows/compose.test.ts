/** Groups as steps of chains, chains as members of groups, and so on. */
import { expect, inject, it } from 'vitest';
import { chain, group, start, type FlowStep, type HotQueue } from 'hotqueue';
import { aQueue } from '../support/queue.js';

const soon = { timeout: '20s' } as const;
const more = (n: unknown): number => Number(n) + 1;

it('a group is a step of a chain: each of it gets the result before, and the next step gets all results', async () => {
  const [one, two, three] = [aQueue(), aQueue(), aQueue()];
  const runner = start([
    one.worker(more),
    two.worker((n) => Number(n) * 10, { concurrency: 3 }),
    three.worker((all) => ({ all })),
  ]);
  const flow = await chain(one.task(1), group([two.task(), two.task(7), one.task()]), three.task());
  expect(await flow.result(soon)).toEqual({ all: [20, 70, 3] });
  expect(flow.jobs.map(({ id }) => flow.parentsOf(id).length)).toEqual([0, 1, 1, 1, 3]);
  await runner.stop();
});

it('a chain is a member of a group, and so is a group: the results have the form of the calls', async () => {
  const queue = aQueue();
  const runner = start(queue.worker((n) => (Array.isArray(n) ? { n } : more(n)), { concurrency: 4 }));
  const nested = await group(
    [chain(queue.task(1), queue.task()), queue.task(5), group([queue.task(7), chain(queue.task(1), queue.task())])],
    { then: queue.task() },
  );
  expect(await nested.result(soon)).toEqual({ n: [3, 6, [8, 3]] });
  const open = await chain(queue.task(1), group([queue.task(), group([queue.task()])]));
  expect(await open.result(soon)).toEqual([3, [3]]);
  await runner.stop();
});

it('a group of one gives an array of one', async () => {
  const queue = aQueue();
  const runner = start(queue.worker((n) => n));
  expect(await (await group([queue.task('a')], { then: queue.task() })).result(soon)).toEqual(['a']);
  expect(await (await chain(queue.task('a'), group([group([queue.task()])]), queue.task())).result(soon)).toEqual([
    ['a'],
  ]);
  await runner.stop();
});

it('then may be a chain', async () => {
  const queue = aQueue();
  const runner = start(queue.worker((n) => (Array.isArray(n) ? n.length : more(n))));
  const flow = await group([queue.task(1), queue.task(2)], { then: chain(queue.task(), queue.task()) });
  expect(await flow.result(soon)).toBe(3);
  await runner.stop();
});

it.each(['cancel', 'run'] as const)(
  "if a job of a group in a chain fails, and onFailure is '%s'",
  async (onFailure) => {
    const queue = aQueue({ attempts: 1 });
    const runner = start(
      queue.worker((n) => {
        if (n === 'bad') throw new Error('no');
        return n;
      }),
    );
    const inner = () => group([queue.task('a'), chain(queue.task('bad'), queue.task())], { onFailure });
    const flow = await chain(queue.task('first'), inner(), queue.task(), queue.task());
    if (onFailure === 'run') expect(await flow.result(soon)).toEqual(['a', null]);
    else
      await expect(flow.result(soon)).rejects.toMatchObject({ code: 'JOB_CANCELLED', cause: { code: 'JOB_FAILED' } });
    expect(await flow.status()).toMatchObject(
      onFailure === 'run' ? { done: 4, failed: 1, cancelled: 1 } : { done: 2, failed: 1, cancelled: 3 },
    );
    await runner.stop();
  },
);

it('a part of a flow resolves to a flow of its own', async () => {
  const queue = aQueue();
  const runner = start(queue.worker(more));
  const part = group([queue.task(), queue.task()]);
  const whole = await chain(queue.task(1), part, queue.task(9));
  const flow = await part;
  expect(flow.jobs.map(({ id }) => id)).toEqual(whole.jobs.slice(1, 3).map(({ id }) => id));
  expect(await flow.result(soon)).toEqual([3, 3]);
  await runner.stop();
});

it('groups that wait for each other too often, empty groups, and a flow that is put or a step already are refused, and nothing is put', async () => {
  const queue = aQueue();
  const many = Array.from({ length: 500 }, () => queue.task());
  const wide = chain(queue.task(1), group(many), group(many));
  await expect(wide).rejects.toThrow('500 tasks that each wait for 500 jobs: put one task between');
  await expect(chain(queue.task(1), group([]))).rejects.toThrow('group(): no task');
  await expect(chain(group([queue.task(1), queue.task()]), queue.task())).rejects.toThrow(
    'group(): task 1 has no payload',
  );
  await expect(chain(queue.task(1), 5 as never)).rejects.toThrow('chain(): task 1: invalid task 5');
  await expect(chain(queue.task(1), group([queue.task()], { onFailure: 'run' }))).rejects.toThrow('has no effect');
  const unused = group([group([queue.task(1)], { onFailure: 'run' })], { then: queue.task() });
  await expect(unused).rejects.toThrow('has no effect');
  const put = chain(queue.task(1));
  await put;
  await expect(chain(queue.task(1), put)).rejects.toThrow('this flow is put already');
  const twice = group([queue.task(1)]);
  await expect(chain(twice, twice)).rejects.toThrow('this flow is a step already');
  await expect(chain(queue.task(1), Promise.resolve() as never)).rejects.toThrow('expected queue.task(payload)');
  expect(() => queue.task(1, { onFailure: 'run' } as never)).toThrow();
  expect(await queue.size()).toBe(1); // only the chain that was put
  expect(await queue.delayed.size()).toBe(0);
});

it.each<[string, (queue: HotQueue) => unknown, string]>([
  ['after', (queue) => queue.task(1, { after: queue.job('x') }), 'use chain()'],
  ['onFailure', (queue) => queue.task(1, { after: queue.job('x'), onFailure: 'run' }), 'use chain()'],
])('a task has no option %s', (_, make, sentence) => {
  expect(() => make(aQueue())).toThrow(sentence);
});

it.each([
  ['track', { track: false }, 'remove track: false'],
  ['replace', { unique: 'k', replace: true }, 'remove replace'],
] as const)('a step with %s is refused, and nothing runs', async (_, options, sentence) => {
  const queue = aQueue();
  await expect(group([queue.task(1), queue.task(2, options)])).rejects.toThrow(sentence);
  expect(await queue.size()).toBe(0);
  expect(await queue.delayed.size()).toBe(0);
});

it('queues on two Redis databases are refused', async () => {
  const [near, far] = [aQueue(), aQueue({ db: 1 })];
  await expect(group([near.task(1), far.task(1)])).rejects.toThrow('is on another Redis than queue');
  expect(await near.delayed.size()).toBe(0);
});

it('two tasks that are the same job are refused if a step gets the results of both, and nothing is put', async () => {
  const queue = aQueue();
  const same = group([queue.task(1, { unique: 'k' }), queue.task(2, { unique: 'k' })], { then: queue.task() });
  await expect(same).rejects.toThrow('two tasks are the same job');
  expect([await queue.size(), await queue.delayed.size()]).toEqual([0, 0]);
});

/** A tree of calls, and what its result must be. */
interface Composed {
  readonly step: FlowStep;
  readonly expected: unknown;
}

it(
  'random compositions: each job runs once, after all before it, and the results are right',
  { timeout: 120_000 },
  async () => {
    const queues = [aQueue(), aQueue(), aQueue()];
    const ended = new Map<string, number>();
    const began = new Map<string, number[]>();
    let clock = 0;
    const runner = start(
      queues.map((queue, q) =>
        queue.worker(
          async (payload, job) => {
            began.set(job.id, [...(began.get(job.id) ?? []), (clock += 1)]);
            await new Promise((resolve) => setTimeout(resolve, Math.random() * 5));
            ended.set(job.id, (clock += 1));
            return { q, got: payload };
          },
          { concurrency: 5 },
        ),
      ),
    );
    let seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
    const sentence = `seed ${seed}`;
    const dice = (most: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return Math.floor((seed / 2_147_483_648) * most);
    };
    /** @param before what the part before gives; absent at the beginning */
    const compose = (depth: number, before: { value: unknown } | undefined): Composed => {
      const kind = depth === 0 ? 0 : dice(3);
      if (kind === 0) {
        const q = dice(queues.length);
        const own = before === undefined || dice(4) === 0 ? { n: dice(1_000) } : undefined;
        return { step: queues[q]!.task(own), expected: { q, got: own ?? before!.value } };
      }
      const size = 1 + dice(3);
      const parts: Composed[] = [];
      if (kind === 1) {
        let last = before;
        for (let at = 0; at < size; at += 1) {
          parts.push(compose(depth - 1, last));
          last = { value: parts.at(-1)!.expected };
        }
        const steps = parts.map(({ step }) => step) as [FlowStep];
        return { step: chain(...steps), expected: parts.at(-1)!.expected };
      }
      for (let at = 0; at < size; at += 1) parts.push(compose(depth - 1, before));
      const steps = parts.map(({ step }) => step);
      const results = parts.map(({ expected }) => expected);
      if (dice(2) === 0) return { step: group(steps), expected: results };
      const then = compose(depth - 1, { value: results });
      return { step: group(steps, { then: then.step }), expected: then.expected };
    };
    const rounds = inject('serverKind') === 'redis' ? 25 : 5; // the JavaScript engine is slow
    for (let round = 0; round < rounds; round += 1) {
      const { step, expected } = compose(3, undefined);
      const flow = await (step instanceof Promise ? step : chain(step));
      expect(await flow.result(soon), sentence).toEqual(expected);
      for (const { id } of flow.jobs) {
        expect(began.get(id)?.length, sentence).toBe(1);
        for (const parent of flow.parentsOf(id))
          expect(began.get(id)![0], sentence).toBeGreaterThan(ended.get(parent)!);
      }
    }
    await runner.stop();
  },
);
