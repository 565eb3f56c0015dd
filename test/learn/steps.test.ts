import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { IsEmail } from 'class-validator';
import { HotQueue, InvalidPayloadError, start, type JobHandle, type Runner } from 'hotqueue';
import { afterAll, expect, it } from 'vitest';
import { Guide } from '../../src/learn/guide.js';
import { lesson, steps } from '../../src/learn/lesson.js';
import { up, type Services } from '../../src/learn/services.js';
import { LessonState } from '../../src/learn/lesson-state.js';
import type { Here, QueueState } from '../../src/learn/step.js';
import { aChild, type Child } from '../support/child.js';
import { until } from '../support/facts.js';
import { redisUrl } from '../support/server.js';

class Email {
  @IsEmail() to!: string;
}

const address = { url: redisUrl(), prefix: `lesson-${randomUUID()}` };
const state = new LessonState(address);
const shown: string[] = [];
const guide = new Guide(state, (text) => shown.push(text));
const q = new HotQueue('queue', { ...address, logger: false });
const emails = new HotQueue('emails', { ...address, payload: Email, logger: false });
const slow = new HotQueue('slow', { ...address, logger: false });
const texts = new HotQueue('texts', { ...address, track: true, logger: false });
const names = globalThis as Record<string, unknown>;
let second: Child | undefined;
let echo: Runner | undefined;
let services: Services | undefined;

afterAll(async () => {
  await second?.kill('SIGKILL');
  await echo?.stop();
  await state.close();
  await services?.down();
  await Promise.all([q, emails, slow, texts].map((queue) => queue.close()));
  delete names['echo'];
  delete names['Email'];
  delete names['job'];
});

/** Runs code as the second terminal does, with `q` and `at` defined. */
function there(code: string, redis: object = address): Child {
  return aChild(`
    import { HotQueue } from 'hotqueue';
    const at = ${JSON.stringify(redis)};
    const q = new HotQueue('queue', at);
    process.once('SIGTERM', () => q.close()); // Ctrl-C at a prompt
    ${code}`);
}

const loop = 'for await (const item of q.consume()) console.log(item);';
const heard = async (value: Promise<unknown>): Promise<void> => state.record({ value: await value });

/** The action of a learner for each step. */
const acts: Record<string, () => unknown> = {
  'see-a-queue': () => state.record({ value: q }),
  'put-strings': () => heard(q.put('one', 'two', 'three', 'four')),
  'check-length': () => heard(q.size()),
  'consume-there': () => (second = there(loop)),
  'length-is-zero': () => heard(q.size()),
  'put-more': () => heard(q.put('five', 'six')),
  'stop-consuming': () => second?.kill('SIGTERM'),
  'compose-up': async () =>
    (state.compose = services =
      await up({ PATH: path.dirname(process.execPath), HOME: process.env['HOME'], HOTQUEUE_REDIS: 'js' })),
  'which-host': () => state.answers.push('localhost', 'redis-db'),
  'which-packages': () => state.answers.push('hotqueue'),
  'consume-in-node2': () => (second = there(loop, { url: services?.url })),
  'put-from-node1': async () => {
    await using node1 = new HotQueue('queue', { url: services!.url });
    await heard(node1.put('hello', 'from node1'));
  },
  'compose-down': async () => {
    await second?.kill('SIGTERM');
    await state.close(services?.url);
    await services?.down();
    state.compose = undefined;
  },
  'write-echo': () => (names['echo'] = q.worker(() => undefined)),
  'call-echo': () => (echo = start(names['echo'] as () => void)),
  'send-to-echo': () => (second = there("await q.put('hello', 'how are you?'); await q.close();")),
  'stop-echo': () => echo?.stop(),
  'write-class': () => (names['Email'] = Email),
  'put-valid': () => heard(emails.put({ to: 'ada@example.com' })),
  'put-invalid': () => emails.put({ to: 'ada' }).catch((error: unknown) => state.record({ error })),
  'put-from-elsewhere': () => (second = there("await new HotQueue('emails', at).put({ to: 'ada' }); await q.close();")),
  'consume-valid': async () => {
    for await (const email of emails.consume({ idleTimeout: '1s' })) expect(email).toEqual({ to: 'ada@example.com' });
  },
  'put-task': () => heard(slow.put('a long task')),
  'begin-task': () =>
    (second = there(
      "const slow = new HotQueue('slow', { ...at, lease: '3s' }); for await (const task of slow.consume()) await new Promise((resolve) => setTimeout(resolve, 3_600_000));",
    )),
  'kill-worker': () => second?.kill('SIGKILL'),
  'comes-back': () => heard(slow.get({ block: true })),
  'put-tracked': async () => {
    names['job'] = await texts.put('the quick brown fox');
    state.record({ value: names['job'] });
  },
  'ask-status': () => heard((names['job'] as JobHandle).status()),
  'count-words': () =>
    (second = there("await new HotQueue('texts', at).worker((text) => text.split(' ').length)(); await q.close();")),
  'ask-result': () => heard((names['job'] as JobHandle).result()),
  'stop-counting': () => second?.kill('SIGTERM'),
};

it('every step has one action in this test', () => {
  expect(steps.map(({ step }) => step.id).sort()).toEqual(Object.keys(acts).sort());
});

it.each(lesson.map((part, index) => [part.title, part, index + 1] as const))(
  '%s: each step is done only after its action, and reports what happened',
  { timeout: 120_000 },
  async (_title, part, number) => {
    if (number === 1) await guide.begin();
    for (const step of part.steps) {
      expect(guide.step?.id).toBe(step.id);
      await guide.next();
      expect(shown.at(-1), step.id).toMatch(/^not yet: .{10,}/);
      expect(guide.step?.id).toBe(step.id);
      await acts[step.id]?.();
      shown.length = 0;
      await until(
        () => guide.check(),
        (result) => result?.done === true,
      ).catch((cause: unknown) => {
        throw new Error(`the lesson does not notice that "${step.id}" was done`, { cause });
      });
      expect(shown[0], step.id).toMatch(/^✓ .{10,}/);
    }
    expect(guide.step).toBe(lesson[number]?.steps[0]);
  },
);

it('ends, and can be started at any exercise', async () => {
  expect(shown.at(-1)).toContain('That was the lesson');
  expect(await guide.beginPart(3)).toBe(true);
  expect(guide.step?.id).toBe('write-echo');
  guide.hint();
  expect(shown.at(-1)).toBe(guide.step?.hint);
  await guide.skip();
  expect(guide.step?.id).toBe('call-echo');
  guide.overview();
  expect(shown.join('\n')).toContain('> 3. A worker instead of a loop (4 steps)');
  expect(await guide.beginPart(lesson.length + 1)).toBe(false);
});

it('an invalid put rejects with the error class that the step checks', async () => {
  await expect(emails.put({ to: 'ada' })).rejects.toBeInstanceOf(InvalidPayloadError);
});

it.each([
  ['an untracked message', undefined, { waiting: 1 }, { waiting: 0 }, 'not tracked'],
  ['a job that is a promise', Promise.resolve(), { waiting: 1 }, { waiting: 1 }, 'job is a promise'],
  ['a job without a variable', undefined, { waiting: 1 }, { waiting: 1 }, 'no variable job'],
  ['a job that was not shown', texts.job('a'), { waiting: 1 }, { waiting: 1 }, 'type job'],
])('the step that puts a tracked message does not accept %s, and says what to do', (_what, job, counts, jobs, said) => {
  const { step } = steps.find(({ step: { id } }) => id === 'put-tracked')!;
  const none = { counts: { waiting: 0 }, jobs: { waiting: 0 }, workers: [], next: [], dead: [] };
  const before = none as unknown as QueueState;
  const now = { ...none, counts, jobs } as unknown as QueueState;
  const here: Here = { ...state.here, named: () => job };
  const { done, saw } = step.check(now, before, here);
  expect(done).toBe(false);
  expect(saw).toContain(said);
});
