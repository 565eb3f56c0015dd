/** Schedules of a queue: set, read, fired by workers, changed. */
import 'reflect-metadata';
import { IsString } from 'class-validator';
import { expect, it, vi } from 'vitest';
import { HotQueue, NoScheduleError, start, worker, type Delivery, type ScheduleOptions } from 'hotqueue';
import { Broker } from '../../src/redis/broker.js';
import { Connection } from '../../src/redis/connection.js';
import { Keys } from '../../src/redis/keys.js';
import { deliverAll } from '../../src/jobs/outbox.js';
import { ScheduleBroker } from '../../src/redis/schedule-broker.js';
import { fireDue, type FiredRun } from '../../src/schedules/fire-due.js';
import { aBroker, aName, aQueue, redis } from '../support/queue.js';
import { redisUrl, serverKind } from '../support/server.js';
import { until } from '../support/facts.js';

class Report {
  @IsString() kind!: string;
}

const hour = 3_600_000;
const patience = { withinMs: 10_000 };
const nightly = { cron: '0 3 * * *', timeZone: 'Europe/Berlin', payload: 'x' } as const;

/** Puts what is due, as maintenance does. @returns in how many ms the next schedule is due */
const fire = (broker: Broker, onFired: (run: FiredRun) => void = () => undefined): Promise<number | undefined> =>
  fireDue(broker, patience, onFired);

/** As if time had passed: the schedule is due at this instant. */
async function makeDue(queue: HotQueue, name: string, at: number): Promise<void> {
  const keys = new Keys(queue.name);
  await redis().hset(keys.schedule(name), 'due', at);
  await redis().zadd(keys.schedules, at, name);
}

const idsOf = async (queue: HotQueue): Promise<string[]> => (await queue.peek(1_000)).map(({ id }) => id);

it('stores a schedule, and shows it', async () => {
  const reports = aQueue({ payload: Report });
  const before = Date.now();
  const set = await reports.schedules.set('pulse', { every: '1h', payload: { kind: 'pulse' }, missed: 'skip' });
  expect(set).toMatchObject({ name: 'pulse', queue: reports.name, everyMs: hour, missed: 'skip', overlap: 'allow' });
  expect(set.payload).toEqual(Object.assign(new Report(), { kind: 'pulse' }));
  expect(set.nextAt! - before).toBeGreaterThanOrEqual(hour - 1_000);
  expect(await reports.schedules.get('pulse')).toEqual(set);
  expect(await reports.schedules.get('other')).toBeUndefined();
  await reports.schedules.set('early', { every: '1m', payload: { kind: 'early' } });
  expect((await reports.schedules.list()).map(({ name }) => name)).toEqual(['early', 'pulse']);
  expect(await reports.schedules.next('pulse', 3)).toEqual([0, 1, 2].map((n) => set.nextAt! + n * hour));
});

it('a second set changes nothing, unless it changes when the schedule is due', async () => {
  const reports = aQueue();
  const { nextAt } = await reports.schedules.set('a', { every: '1h', payload: 1 });
  const stored = await redis().hgetall(new Keys(reports.name).schedule('a'));
  await Promise.all(Array.from({ length: 10 }, () => reports.schedules.set('a', { every: '1h', payload: 1 })));
  expect(await redis().hgetall(new Keys(reports.name).schedule('a'))).toEqual(stored);
  expect(await reports.schedules.set('a', { every: '1h', payload: 2 })).toMatchObject({ nextAt, payload: 2 });
  expect((await reports.schedules.set('a', { every: '2h', payload: 2 })).nextAt).toBeGreaterThan(nextAt!);
});

it('a worker runs what is due, and its handler sees the schedule', async () => {
  const reports = aQueue();
  const seen: unknown[] = [];
  const runner = start(
    reports.worker((payload, job) => {
      seen.push({ payload, schedule: job.schedule, id: job.id, attempt: job.attempt });
    }),
  );
  await reports.put('by hand');
  await reports.schedules.set('tick', { every: '100ms', payload: { tick: true } });
  await until(
    () => seen.length,
    (count) => count >= 4,
  );
  await runner.stop();
  expect(seen[0]).toMatchObject({ payload: 'by hand', schedule: undefined });
  const [, ...ticks] = seen as { id: string; schedule: { name: string; dueAt: number } }[];
  for (const { id, schedule } of ticks) {
    expect(schedule.name).toBe('tick');
    expect(id).toBe(`tick@${new Date(schedule.dueAt).toISOString().replace('.000Z', 'Z')}`);
  }
  const dues = ticks.map(({ schedule }) => schedule.dueAt);
  expect(new Set(dues).size).toBe(dues.length);
  for (const due of dues) expect((due - dues[0]!) % 100).toBe(0);
});

// It takes a minute on the JavaScript engine.
it.runIf(serverKind() === 'redis')(
  'thousands of missed instants are put in several passes, in order, and a schedule beside them is not late',
  async () => {
    const reports = aQueue();
    const broker = aBroker(reports.name);
    const end = Math.floor(Date.now() / 1_000) * 1_000 - 1_000;
    const [many, beside] = [end - 249_900, end - 1_000]; // 2,500 instants
    await reports.schedules.set('many', { every: 100, payload: 1, missed: 'all', start: many, end: end + 3_600_000 });
    await reports.schedules.pause('many');
    await reports.schedules.set('beside', { every: '1h', payload: 2, start: beside });
    await makeDue(reports, 'many', many);
    await makeDue(reports, 'beside', beside);
    const fired: FiredRun[] = [];
    const note = (run: FiredRun): void => void fired.push(run);
    expect(await fire(broker, note)).toBe(0);
    expect(fired.length).toBeLessThanOrEqual(2_001);
    expect(fired.map(({ schedule }) => schedule).slice(0, 101)).toContain('beside');
    await fire(broker, note);
    const ids = fired.filter(({ schedule }) => schedule === 'many').map(({ id }) => id);
    const instants = ids.map((id) => Date.parse(id.slice(5)));
    expect(instants.slice(0, 2_500)).toEqual(Array.from({ length: 2_500 }, (_, n) => many + n * 100));
    expect(await reports.size()).toBe(ids.length + 1);
  },
);

it('a set or a pause while the schedule fires does not set it back', async () => {
  const reports = aQueue();
  const broker = aBroker(reports.name);
  await reports.schedules.set('a', { every: '1h', payload: 1, limit: 2 });
  const due = Date.now() - 1_000;
  await makeDue(reports, 'a', due);
  // The schedule fires between the read and the write of a change.
  const save = vi.spyOn(ScheduleBroker.prototype, 'save').mockImplementationOnce(async function (
    this: ScheduleBroker,
    change,
    within,
  ) {
    await fire(broker);
    return this.save(change, within);
  });
  await reports.schedules.set('a', { every: '1h', payload: 2, limit: 2 });
  save.mockRestore();
  expect((await reports.schedules.get('a'))!.nextAt).toBeGreaterThan(Date.now());
  await fire(broker);
  expect(await reports.schedules.get('a')).toMatchObject({ runs: 1, payload: 2 });
  expect(await reports.schedules.history('a')).toHaveLength(1);
});

it('reports what a step has put, also if Redis is away in the next step', async () => {
  const reports = aQueue();
  const broker = aBroker(reports.name);
  await reports.schedules.set('a', { every: '1h', payload: 1 });
  await makeDue(reports, 'a', Date.now() - 1_000);
  const fired: FiredRun[] = [];
  const first = broker.schedules.first.bind(broker.schedules);
  vi.spyOn(broker.schedules, 'first').mockImplementationOnce(first).mockRejectedValue(new Error('away'));
  await expect(fire(broker, (run) => fired.push(run))).rejects.toThrow('away');
  expect(fired.map(({ schedule }) => schedule)).toEqual(['a']);
  expect(await reports.size()).toBe(1);
});

it('of many processes, one puts the message of an instant', async () => {
  const reports = aQueue();
  const due = Math.floor(Date.now() / 1_000) * 1_000 - 5_000;
  await reports.schedules.set('a', { every: '1h', payload: 1, missed: 'all', start: due });
  await makeDue(reports, 'a', due);
  const brokers = Array.from({ length: 10 }, () => aBroker(reports.name));
  const fired: FiredRun[] = [];
  await Promise.all(brokers.map((broker) => fire(broker, (run) => fired.push(run))));
  expect(fired).toHaveLength(1);
  expect(await idsOf(reports)).toEqual([`a@${new Date(due).toISOString().replace('.000Z', 'Z')}`]);
});

it('a fire that is sent again puts nothing twice, and says that it was done', async () => {
  const reports = aQueue();
  const broker = aBroker(reports.name);
  await reports.schedules.set('a', { every: '1h', payload: 1 });
  const [schedule] = await broker.schedules.read(['a']);
  const run = { id: 'a@1', entry: '{}', record: '{}' };
  const step = { schedule: schedule!, nextDueAt: schedule!.dueAt! + 1, counted: 1, runs: [run] };
  expect(await broker.schedules.fire('call', [step])).toEqual([true]);
  expect(await broker.schedules.fire('call', [step])).toEqual([true]);
  expect((await reports.schedules.get('a'))!.runs).toBe(1);
  const other = { ...step, runs: [{ ...run, id: 'a@2' }] };
  expect(await broker.schedules.fire('other', [other])).toEqual([false]);
  expect(await redis().hkeys(broker.keys.outbox)).toEqual(['a@1']);
});

it('a message that a process stored and did not put is put by another one, once', async () => {
  const reports = aQueue();
  const broker = aBroker(reports.name);
  await reports.schedules.set('a', { every: '1h', payload: 1 });
  await makeDue(reports, 'a', Date.now() - 1_000);
  const connection = Connection.share({ url: redisUrl() });
  const dying = new Broker(connection, new Keys(reports.name));
  const put = vi.spyOn(Broker.prototype, 'put').mockRejectedValue(new Error('killed'));
  await fire(dying);
  put.mockRestore();
  await connection.leave();
  expect(await idsOf(reports)).toEqual([]);
  const runner = start(reports.worker(() => undefined));
  await until(
    () => reports.schedules.history('a'),
    ([run]) => run?.status === 'done',
  );
  await runner.stop();
  expect(await deliverAll(broker, patience)).toBe(0);
  expect((await reports.schedules.history('a')).length).toBe(1);
});

it.each(['once', 'skip', 'all'] as const)('what was due while nobody ran, with missed: %s', async (missed) => {
  const reports = aQueue();
  const now = Date.now();
  const first = now - 3 * hour - hour * 0.75;
  await reports.schedules.set('a', { every: '1h', payload: 1, missed, start: first });
  await makeDue(reports, 'a', first);
  await fire(aBroker(reports.name));
  const expected = { once: [3], skip: [], all: [0, 1, 2, 3] }[missed];
  const dues = (await reports.schedules.history('a')).map(({ dueAt }) => dueAt).reverse();
  expect(dues).toEqual(expected.map((n) => Math.round(first) + n * hour));
  expect((await reports.schedules.get('a'))!.nextAt).toBe(Math.round(first) + 4 * hour);
});

it('with overlap: skip, puts nothing while the message before has not ended', async () => {
  const reports = aQueue();
  const broker = aBroker(reports.name);
  const due = Math.floor(Date.now() / 1_000) * 1_000 - 10 * hour;
  await reports.schedules.set('a', { every: '1h', payload: 1, overlap: 'skip', missed: 'all', start: due });
  await makeDue(reports, 'a', due);
  await redis().hset(
    broker.keys.schedule('a'),
    'definition',
    (await definition(broker, 'a')).replace('"all"', '"once"'),
  );
  await fire(broker);
  await makeDue(reports, 'a', Date.now() - 1);
  await fire(broker);
  expect((await reports.schedules.history('a')).map(({ status }) => status)).toEqual(['skipped', 'waiting']);
  await reports.get();
  await until(
    () => reports.schedules.history('a'),
    (runs) => runs[1]?.status === 'done',
  );
  await makeDue(reports, 'a', Date.now() - 1);
  await fire(broker);
  expect((await reports.schedules.history('a')).map(({ status }) => status)).toEqual(['waiting', 'skipped', 'done']);
  expect((await reports.schedules.get('a'))!.runs).toBe(2);
});

const definition = async (broker: Broker, name: string): Promise<string> =>
  (await broker.schedules.read([name]))[0]!.definition;

it('ends after its limit, and goes on with a higher one', async () => {
  const reports = aQueue();
  const runner = start(reports.worker(() => undefined));
  await reports.schedules.set('a', { every: '100ms', payload: 1, limit: 2 });
  await until(
    () => reports.schedules.get('a'),
    (schedule) => schedule!.nextAt === undefined,
  );
  expect(await reports.schedules.next('a', 3)).toEqual([]);
  expect(await reports.schedules.get('a')).toMatchObject({ runs: 2, limit: 2, isPaused: false });
  expect((await reports.schedules.set('a', { every: '100ms', payload: 1, limit: 3 })).nextAt).toBeGreaterThan(0);
  await until(
    () => reports.schedules.get('a'),
    (schedule) => schedule!.runs === 3,
  );
  await runner.stop();
});

it('a paused schedule puts nothing, and resumes at its next instant', async () => {
  const reports = aQueue();
  const { nextAt } = await reports.schedules.set('a', { every: '1h', payload: 1 });
  await reports.schedules.pause('a');
  expect(await reports.schedules.get('a')).toMatchObject({ isPaused: true, nextAt: undefined });
  expect(await reports.schedules.next('a')).toEqual([]);
  await reports.schedules.set('a', { every: '1h', payload: 2 });
  expect(await reports.schedules.get('a')).toMatchObject({ isPaused: true, payload: 2 });
  await reports.schedules.resume('a');
  await reports.schedules.resume('a');
  expect(await reports.schedules.get('a')).toMatchObject({ isPaused: false, nextAt });
});

it('run puts the message now, and its next time stays', async () => {
  const reports = aQueue();
  const { nextAt } = await reports.schedules.set('a', { every: '1h', payload: { n: 1 } });
  const job = await reports.schedules.run('a');
  const other = await reports.schedules.run('a');
  expect(other.id).not.toBe(job.id);
  const runner = start(reports.worker((payload, { schedule }) => ({ payload, name: schedule?.name })));
  expect(await job.result({ timeout: '10s' })).toEqual({ payload: { n: 1 }, name: 'a' });
  await other.result({ timeout: '10s' });
  await runner.stop();
  expect(await reports.schedules.get('a')).toMatchObject({ nextAt, runs: 0 });
  const history = await reports.schedules.history('a');
  expect(history).toMatchObject([
    { id: other.id, status: 'done', isManual: true },
    { id: job.id, status: 'done', isManual: true },
  ]);
  expect(history[1]!.endedAt).toBeGreaterThanOrEqual(history[1]!.putAt!);
});

it('keeps the last fifty runs, and the records of their jobs', async () => {
  const reports = aQueue();
  const broker = aBroker(reports.name);
  const first = Date.now() - 60 * hour;
  await reports.schedules.set('a', { every: '1h', payload: 1, missed: 'all', start: first });
  await makeDue(reports, 'a', first);
  await fire(broker);
  expect(await reports.schedules.history('a')).toHaveLength(50);
  expect(await redis().llen(broker.keys.scheduleRuns('a'))).toBe(50); // and no more are stored
  const runner = start(reports.worker(() => undefined, { concurrency: 10 }));
  await reports.drained();
  await runner.stop();
  const [last] = await reports.schedules.history('a', { limit: 1 });
  expect(last!.status).toBe('done');
  expect(await redis().pttl(broker.keys.job(last!.id))).toBeGreaterThan(49 * hour);
});

it('each message of a schedule has its attempts, priority, ttl and the other options of a put', async () => {
  const reports = aQueue();
  await reports.schedules.set('a', {
    ...{ every: '1h', payload: 1, attempts: 7, backoff: ['1s', '2s'], timeout: '3s', ttl: '1h', priority: 'high' },
    ...{ track: false, jitter: '30m' },
  });
  await makeDue(reports, 'a', Date.now() - 1);
  await fire(aBroker(reports.name));
  const [delayed] = await reports.delayed.list();
  expect(delayed).toMatchObject({ priority: 'high', text: '1' });
  expect(delayed!.dueAt - Date.now()).toBeLessThan(hour / 2 + 1_000);
  const [entry] = await redis().hvals(new Keys(reports.name).delayedMessages);
  expect(entry).toMatch(/ a=7 b=1000,2000 t=3000/);
  const expiresAt = Number(/ x=(\d+)/.exec(entry!)?.[1]);
  expect(expiresAt - delayed!.dueAt).toBe(hour);
  expect(await reports.schedules.history('a')).toMatchObject([{ status: undefined }]);
});

it('remove deletes a schedule and its history, and not its messages', async () => {
  const reports = aQueue();
  await reports.schedules.set('a', { every: '1h', payload: 1 });
  await reports.schedules.run('a');
  expect(await reports.schedules.remove('a')).toBe(true);
  expect(await reports.schedules.remove('a')).toBe(false);
  expect(await reports.schedules.list()).toEqual([]);
  expect(await redis().keys(`{hotqueue:${reports.name}}:schedule*`)).toEqual([]);
  expect(await redis().keys(`{hotqueue:${reports.name}}:runs*`)).toEqual([]);
  expect(await reports.size()).toBe(1);
});

it('a worker stores the schedules that it declares when it starts', async () => {
  const reports = aQueue({ payload: Report });
  const seen: string[] = [];
  class Reporter {
    @worker(reports, {
      schedules: {
        often: { every: '100ms', payload: { kind: 'often' } },
        nightly: { cron: '0 3 * * *', payload: { kind: 'nightly' } },
      },
    })
    report(report: Report, job: Delivery<Report>): void {
      seen.push(`${job.schedule?.name} ${report.kind}`);
    }
  }
  const runner = start(new Reporter());
  await until(
    () => seen.length,
    (count) => count > 1,
  );
  await runner.stop();
  expect(new Set(seen)).toEqual(new Set(['often often']));
  const nightly = await reports.schedules.get('nightly');
  expect(nightly).toMatchObject({ worker: 'Reporter.report', timeZone: 'UTC' });
  expect(nightly!.declaredAt).toBeGreaterThan(Date.now() - 60_000);
});

it('a schedule that its worker declares with a wrong payload ends the runner with an error', async () => {
  const reports = aQueue({ payload: Report });
  const runner = start(reports.worker(() => undefined, { schedules: { a: { every: '1s', payload: { kind: 7 } } } }));
  await expect(runner.finished).rejects.toMatchObject({ code: 'INVALID_PAYLOAD' });
});

it('a process can fire schedules without taking messages', async () => {
  const reports = aQueue();
  const fired: string[] = [];
  reports.events.on('fire', ({ schedule }) => fired.push(schedule));
  await reports.schedules.set('a', { every: '100ms', payload: 1 });
  const scheduler = reports.schedules.start();
  await until(
    () => reports.size(),
    (size) => size >= 3,
  );
  scheduler.stop();
  scheduler.stop();
  expect(new Set(fired)).toEqual(new Set(['a']));
});

it.each<[name: string, options: object, sentence: string]>([
  ['a b', { every: '1s', payload: 1 }, 'invalid name "a b" of a schedule'],
  ['', { every: '1s', payload: 1 }, 'use 1 to 32 letters'],
  ['x'.repeat(33), { every: '1s', payload: 1 }, 'use 1 to 32 letters'],
  ['a', { payload: 1 }, 'it does not say when'],
  ['a', { every: '1s', cron: '* * * * *', payload: 1 }, 'cron and every cannot be used together'],
  ['a', { every: '99ms', payload: 1 }, 'invalid every "99ms": expected at least 100 ms'],
  ['a', { every: '1s', timeZone: 'UTC', payload: 1 }, 'timeZone has no effect with every'],
  ['a', { every: '1s' }, 'the payload is missing'],
  ['a', { every: '1s', payload: 1, limit: 0 }, 'invalid limit 0'],
  ['a', { every: '1s', payload: 1, missed: 'never' }, 'invalid missed "never"'],
  ['a', { every: '1s', payload: 1, delay: '1s' }, 'option delay is of a single put'],
  ['a', { every: '1s', payload: 1, id: 'x' }, 'option id is of a single put'],
  ['a', { every: '1s', payload: 1, unique: 'x' }, "overlap: 'skip'"],
  ['a', { every: '1s', payload: 1, evry: 1 }, 'unknown option "evry"'],
  ['a', { every: '1s', payload: 1, attempts: 0 }, 'invalid attempts 0'],
  ['a', { every: '1s', payload: 1, start: 1_795_731_866 }, 'Use Unix milliseconds'],
  ['a', { every: '1s', payload: 1, start: new Date('2030-01-02'), end: new Date('2030-01-01') }, 'it is before start'],
  ['a', { every: '1s', payload: 1, end: new Date('2020-01-01') }, 'it never comes: no instant is left before its end'],
  ['a', { cron: '0 0 30 2 *', payload: 1 }, 'it never comes: no date fits'],
  ['a', { cron: '0 25 * * *', payload: 1 }, 'the hour "25" is wrong. Expected 0-23'],
  ['a', { cron: '0 3 * * *', timeZone: 'Europe/Berln', payload: 1 }, 'Did you mean Europe/Berlin'],
  ['a', { every: '1s', payload: 1, overlap: 'skip', track: false }, 'needs the records of its jobs'],
])('set refuses %o, %o', async (name, options, sentence) => {
  const reports = aQueue();
  await expect(reports.schedules.set(name, options as ScheduleOptions<string>)).rejects.toMatchObject({
    code: 'INVALID_OPTION',
    message: expect.stringContaining(sentence) as string,
  });
  expect(await reports.schedules.list()).toEqual([]);
});

it.each(
  'cron timeZone every missed overlap start end limit jitter attempts backoff timeout ttl priority track'.split(' '),
)('set refuses null as %s', async (option) => {
  const when = option === 'every' ? {} : { cron: '0 3 * * *' };
  const options = { ...when, payload: 1, [option]: null } as unknown as ScheduleOptions<string>;
  await expect(aQueue().schedules.set('a', options)).rejects.toMatchObject({
    code: 'INVALID_OPTION',
    message: expect.stringContaining(`invalid ${option} null`) as string,
  });
});

it('set refuses a payload that the class refuses, and one that is no JSON', async () => {
  const reports = aQueue({ payload: Report });
  await expect(reports.schedules.set('a', { every: '1s', payload: { kind: 7 } as never })).rejects.toMatchObject({
    code: 'INVALID_PAYLOAD',
  });
  await expect(aQueue().schedules.set('a', { every: '1s', payload: 1n })).rejects.toMatchObject({
    code: 'NOT_SERIALIZABLE',
  });
});

it('set refuses a plain queue, and everything refuses a closed one', async () => {
  await expect(aQueue({ wire: 'plain' }).schedules.set('a', { every: '1s', payload: 1 })).rejects.toThrow('wire');
  const closed = aQueue();
  await closed.close();
  const { schedules } = closed;
  const calls = [
    () => schedules.set('a', { every: '1s', payload: 1 }),
    () => schedules.get('a'),
    () => schedules.list(),
    () => schedules.remove('a'),
    () => schedules.pause('a'),
    () => schedules.resume('a'),
    () => schedules.run('a'),
    () => schedules.next('a'),
    () => schedules.history('a'),
    async () => schedules.start(),
  ];
  for (const call of calls) await expect((async () => call())()).rejects.toMatchObject({ code: 'QUEUE_CLOSED' });
});

it('calls for a schedule that does not exist say so', async () => {
  const { schedules } = aQueue();
  for (const call of ['pause', 'resume', 'run', 'next', 'history'] as const)
    await expect(schedules[call]('nothing')).rejects.toBeInstanceOf(NoScheduleError);
});

it('a worker declares its schedules with a wrong option: the decorator refuses it', () => {
  const reports = aQueue();
  expect(() => reports.worker(() => undefined, { schedules: { a: { every: '1ms', payload: 1 } } })).toThrow(
    'at least 100 ms',
  );
  expect(() => reports.worker(() => undefined, { schedules: [] as never })).toThrow('expected an object');
});

it('a thousand schedules that are due in the same second are put in a few steps', async () => {
  const reports = aQueue();
  const broker = aBroker(reports.name);
  await reports.schedules.set('0', { ...nightly });
  const keys = new Keys(reports.name);
  const fields = await redis().hgetall(keys.schedule('0'));
  const due = Date.now() - 1_000;
  for (let n = 0; n < 1_000; n += 1) {
    await redis().hset(keys.schedule(String(n)), { ...fields, due });
    await redis().zadd(keys.schedules, due, String(n));
  }
  const calls: string[] = [];
  const script = broker.connection.script.bind(broker.connection);
  broker.connection.script = (name, ...rest) => {
    calls.push(name);
    return script(name, ...rest);
  };
  await fire(broker);
  expect(await reports.size()).toBe(1_000);
  expect(calls.filter((name) => name === 'fire')).toHaveLength(10);
});

// It takes most of a minute on the JavaScript engine, among the thousands of keys of other tests.
it.runIf(serverKind() === 'redis')('removing a queue removes its schedules', async () => {
  const name = aName();
  const reports = aQueue({ name });
  await reports.schedules.set('a', { every: '1h', payload: 1, track: true });
  await reports.schedules.run('a');
  await reports.close();
  const { remove, contentsOf } = await import('../../src/inspect/remove.js');
  expect(await contentsOf(name, { url: redisUrl() })).toMatchObject({ schedules: 1, waiting: 1 });
  expect(await remove(name, { url: redisUrl() }, false)).toBe(false);
  expect(await remove(name, { url: redisUrl() }, true)).toBe(true);
  const left = await redis().keys(`{hotqueue:${name}}:*`);
  expect(left.filter((key) => !/:(request|producer):/.test(key))).toEqual([]);
});

it('a queue with many delayed messages and no schedule looks for schedules rarely', async () => {
  const queue = aQueue();
  const looks = vi.spyOn(ScheduleBroker.prototype, 'first');
  const promotions = vi.spyOn(Broker.prototype, 'promote');
  const runner = start(queue.worker(() => undefined));
  await Promise.all(Array.from({ length: 100 }, (_, n) => queue.with({ delay: n * 10 }).put(n)));
  await queue.drained({ delayed: true });
  await runner.stop();
  const counts = [looks.mock.calls.length, promotions.mock.calls.length];
  looks.mockRestore();
  promotions.mockRestore();
  expect(counts[0]).toBeLessThan(counts[1]! / 3);
});
