/** The reply to any script may be lost. A script that is sent again must leave the same state, and reply the same. */
import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Broker } from '../../src/redis/broker.js';
import type { FlowJob } from '../../src/redis/flow-transitions.js';
import { afterParents } from '../../src/jobs/after.js';
import type { StoredSchedule } from '../../src/redis/schedule-broker.js';
import { removeQueue } from '../../src/redis/remove-queue.js';
import { transitions } from '../../src/redis/scripts.js';
import type { BegunJob } from '../../src/redis/job-transitions.js';
import type { TrackedPut } from '../../src/redis/transitions.js';
import { Take } from '../../src/redis/take.js';
import { aBroker, redis } from '../support/queue.js';
import { aWorker, endLease, giveBackUnbegun, places, retryOf, take } from '../support/takes.js';

const at = { withinMs: 5_000 };
const hourMs = 3_600_000;
const text = (id: string): string => `#${id} 0 0\n"${id}"`;

type Send = () => Promise<unknown>;

/**
 * A worker with an active quarantined message and active messages of two lanes; more messages wait. Of an earlier take, one
 * message is acknowledged, one is buried, and one is active.
 */
async function working(broker: Broker): Promise<{ worker: string; held: Take; earlier: Take }> {
  const worker = await aWorker(broker);
  await broker.put({ producer: 'p', number: 1, messages: ['x', 'y', 'z'].map(text) }, at);
  const earlier = await take(broker, worker, 1);
  earlier.ack(1);
  await broker.ack(worker, [earlier], at);
  await broker.bury(worker, places(earlier, 2)[0]!, 'buried', '{"reason":"test","attempts":1}', at);
  earlier.confirm(2);
  await redis().rpush(broker.keys.quarantine, '#s 0 2\n"s"', '#t 0 2\n"t"');
  await broker.put({ producer: 'p', number: 2, messages: ['a', 'b'].map(text) }, at);
  await broker.put({ producer: 'p', number: 3, messages: ['c'].map(text), lane: 'h' }, at);
  const held = await take(broker, worker, 2);
  await broker.put({ producer: 'p', number: 4, messages: ['d', 'e'].map(text) }, at);
  await broker.put({ producer: 'p', number: 5, messages: ['f'].map(text), lane: 'l' }, at);
  return { worker, held, earlier };
}

async function delayed(broker: Broker): Promise<void> {
  await broker.put(
    {
      producer: 'p',
      number: 1,
      delayed: ['a', 'b'].map((id) => ({ id, due: { afterMs: hourMs }, lane: 'b', message: text(id) })),
    },
    at,
  );
}

async function dead(broker: Broker): Promise<{ key: string; at: string }[]> {
  const { worker, held } = await working(broker);
  for (const place of places(held))
    await broker.bury(worker, place, `dead${place.index}`, '{"reason":"test","attempts":1}', at);
  const found = await redis().zrange(broker.keys.dead, 0, '-1', 'WITHSCORES');
  return Array.from({ length: found.length / 2 }, (_, index) => ({
    key: found[2 * index]!,
    at: found[2 * index + 1]!,
  }));
}

const keep = { keepMs: hourMs, keepFailedMs: hourMs };
const textOfTracked = (id: string): string => `#${id} 0 0 j=1\n"${id}"`;
const records = (...ids: string[]): TrackedPut => ({
  ...{ ids, ...keep, by: 'host:1', storesPayload: true, processId: 'ends', untilStarted: false, replaces: false },
  uniques: ids.map((id) => (id === 'y' ? '' : 'key')),
});
const begun = (...ids: string[]): BegunJob[] =>
  ids.map((id, index) => ({ index: index + 1, id, attempt: 1, putAt: 1, begunAt: 1 }));

/** A worker with four active tracked messages. */
async function running(broker: Broker): Promise<{ worker: string; held: Take }> {
  const ids = ['a', 'b', 'c', 'd'];
  const worker = await aWorker(broker);
  const tracked = { ...records(...ids), uniques: ids };
  await broker.put({ producer: 'p', number: 1, messages: ids.map(textOfTracked), tracked }, at);
  return { worker, held: await take(broker, worker, 1) };
}

async function aSchedule(broker: Broker): Promise<StoredSchedule> {
  const change = { name: 's', before: '', revision: 'r', definition: '{}', dueAt: 5, isPaused: false };
  await broker.schedules.save(change, at);
  return (await broker.schedules.read(['s'], at))[0]!;
}

/** A job, and one that waits for it. */
function aFlow(queue: string, namesChild: boolean): readonly FlowJob[] {
  const job = { lane: 'b', tracking: records(), processId: 'ends', children: [], namesChild, ends: '' } as const;
  const after = { parents: [`hotqueue ${queue} a`], onFailure: 'cancel', input: 'previous', due: '' };
  return [
    { ...job, id: 'a', message: textOfTracked('a'), children: [`hotqueue ${queue} b`], after: undefined },
    { ...job, id: 'b', message: textOfTracked('b'), ends: `["hotqueue ${queue} b"]`, after },
  ];
}

const variants = ['put-with a delay', 'put-with records', 'settle a job with a child'] as const;

/** For every script: a state in which it changes something, and the call that the test sends twice. */
const sendings: Record<(typeof transitions)[number] | (typeof variants)[number], (broker: Broker) => Promise<Send>> = {
  put: async (broker) => () => broker.put({ producer: 'q', number: 1, messages: ['x', 'y'].map(text) }, at),
  'put-with': async (broker) => {
    const terms = { own: { ids: ['x', 'y', 'x'], forMs: hourMs }, limit: { most: 10, calls: [1, 1, 1] } };
    const messages = ['x', 'y', 'x'].map(text);
    return () => broker.put({ producer: 'q', number: 1, messages, lane: 'h', ...terms }, at);
  },
  'put-with a delay': async (broker) => () =>
    broker
      .put(
        {
          producer: 'q',
          number: 1,
          delayed: [{ id: 'x', due: { at: Date.now() + hourMs }, lane: 'l', message: text('x') }],
        },
        at,
      )
      .then(({ accepted, duplicates }) => ({ accepted, duplicates })),
  'put-flow': async (broker) => () => {
    return broker.flows.put('q', aFlow('q', false), { afterParents, lookMs: 5_000, mostParents: 500 }, at);
  },
  join: async (broker) => {
    const worker = randomUUID();
    return () => broker.join(worker, 'process', at).then(() => 'joined');
  },
  take: async (broker) => {
    const { worker } = await working(broker);
    return () => take(broker, worker, 3, 2);
  },
  'take-tracked': async (broker) => {
    const { worker } = await running(broker);
    await broker.put(
      { producer: 'q', number: 1, messages: ['x', 'y'].map(textOfTracked), tracked: records('x', 'y') },
      at,
    );
    return () => broker.take(worker, 2, 10, at, { name: 'w' }).then((reply) => reply !== 'lost' && reply.take?.size);
  },
  beat: async (broker) => {
    const { worker, held } = await working(broker);
    held.ack(2);
    const counted = { text: 'handled 3 run 12 run2 3', at: 1_795_823_281_000 };
    return () => broker.beat(worker, 3, [held], at, '', counted).then((hints) => hints !== 'lost'); // it does not know one take, and is ahead of Redis in the other
  },
  begin: async (broker) => {
    const { worker, held } = await running(broker);
    await redis().hset(broker.keys.job('b'), 'status', 'cancelled');
    return () => broker.jobs.begin(worker, 'w', held.number, begun('a', 'b'), keep, at);
  },
  note: async (broker) => {
    const { worker, held } = await running(broker);
    await broker.jobs.begin(worker, 'w', held.number, begun('a', 'b'), keep, at);
    return () => broker.jobs.note(worker, { take: held, index: 1, id: 'a' }, 1, ['log', 'line'], at);
  },
  settle: async (broker) => {
    const { worker, held } = await running(broker);
    await broker.jobs.begin(worker, 'w', held.number, begun('a', 'b', 'c', 'd'), keep, at);
    const words = [
      ['done', '{"words":3}'],
      ['retry', 'b', hourMs, '#b 1 0 j=1\n"b"', '{}'],
      ['bury', '{"reason":"test"}', '#c', 'failed', '{}'],
    ];
    const all = [...words, ['retry', 'b', 0, '#d 1 0 j=1\n"d"', '{}']].map((each, at) => ({
      take: held,
      index: at + 1,
      id: 'abcd'[at]!,
      isTracked: true,
      putAt: 1,
      run: '',
      words: each,
    }));
    return () => broker.jobs.settle(worker, all, keep, at).then((replies) => replies.map(said));
  },
  'settle a job with a child': async (broker) => {
    const worker = await aWorker(broker);
    const flow = aFlow(broker.keys.jobNames.split(' ')[1]!, true);
    await broker.flows.put('q', flow, { afterParents, lookMs: 5_000, mostParents: 500 }, at);
    const held = await take(broker, worker, 1);
    const message = { take: held, index: 1, id: 'a', isTracked: true, putAt: 1, run: '1 1 w', child: 'b' };
    return () =>
      broker.jobs.settle(worker, [{ ...message, words: ['done', '3'] }], keep, at).then((replies) => replies.map(said));
  },
  'cancel-job': async (broker) => {
    await running(broker);
    const request = randomUUID();
    return () => broker.jobs.cancel('a', request, at);
  },
  'mend-job': async (broker) => {
    const { worker, held } = await running(broker);
    await broker.jobs.begin(worker, 'w', held.number, begun('a', 'b'), keep, at);
    await broker.leave(worker, at);
    return () => broker.jobs.mend('a', at);
  },
  'revive-jobs': async (broker) => {
    const { worker, held } = await running(broker);
    await broker.jobs.begin(worker, 'w', held.number, begun('a', 'b'), keep, at);
    const words = ['bury', '{"reason":"test"}', '#a', 'failed', '{}'];
    await broker.jobs.settle(
      worker,
      [{ take: held, index: 1, id: 'a', isTracked: true, putAt: 1, run: '', words }],
      keep,
      at,
    );
    await redis().hdel(broker.keys.deadMessages, 'a');
    return () => broker.jobs.revive(['a'], at);
  },
  'clear-jobs': async (broker) => {
    await running(broker);
    const tracked = records('x', 'y', 'z');
    await broker.put({ producer: 'q', number: 1, messages: ['x', 'y', 'z'].map(textOfTracked), tracked }, at);
    const request = randomUUID();
    return () =>
      broker.jobs.clear(
        [
          { place: 'b', id: 'x' },
          { place: 'b', id: 'y' },
        ],
        request,
        at,
      );
  },
  'put-with records': async (broker) => () =>
    broker.put(
      { producer: 'q', number: 1, messages: ['x', 'y', 'z'].map(textOfTracked), tracked: records('x', 'y', 'z') },
      at,
    ),
  ack: async (broker) => {
    const { worker, held, earlier } = await working(broker);
    for (const index of [1, 2, 4]) held.ack(index);
    earlier.ack(3);
    return () => broker.ack(worker, [held, earlier], at);
  },
  retry: async (broker) => {
    const { worker, held } = await working(broker);
    const [, , place] = places(held);
    return () =>
      broker.retry(worker, place!, retryOf(place!, hourMs, { id: 'a', message: Buffer.from('#a 1 0\n"a"') }), at);
  },
  bury: async (broker) => {
    const { worker, held } = await working(broker);
    return () => broker.bury(worker, places(held, 3)[0]!, 'a', '{"reason":"test","attempts":1}', at);
  },
  release: async (broker) => {
    const { worker, held, earlier } = await working(broker);
    return () => broker.release(worker, [...places(earlier), ...places(held)], at);
  },
  'give-back': async (broker) => {
    const { worker } = await working(broker);
    return () => giveBackUnbegun(broker, worker, { number: 1, index: 2 }, 3).then((count) => count >= 0);
  },
  leave: async (broker) => {
    const { worker } = await working(broker);
    return () => broker.leave(worker, at, '3 1 report', { text: 'handled 3 run 12 run2 3', at: 1_795_823_281_000 });
  },
  recover: async (broker) => {
    const { worker } = await working(broker);
    await endLease(broker, worker);
    return () => broker.recover(worker, 'hotqueue', at).then((found) => 'waiting' in found);
  },
  'uncount-crash': async (broker) => {
    await dead(broker);
    return () => broker.uncountCrash('other', 'w', '1.1', at);
  },
  block: async (broker) => () =>
    broker.flows.block(
      'c',
      5,
      { parents: ['hotqueue q a', 'hotqueue q b'], onFailure: 'run', input: 'own', due: '' },
      at,
    ),
  'add-child': async (broker) => {
    await running(broker);
    return () => broker.flows.addChild('a', 'hotqueue q c', at);
  },
  'parent-ended': async (broker) => {
    const messages = [{ id: 'c', due: { at: afterParents }, lane: 'b' as const, message: textOfTracked('c') }];
    await broker.put({ producer: 'p', number: 1, delayed: messages, tracked: records('c') }, at);
    const what = { parents: ['hotqueue q a', 'hotqueue q b'], onFailure: 'run', input: 'own', due: '+3600000' };
    await broker.flows.block('c', 5, what, at);
    const ends = new Map([['hotqueue q a', { status: 'done', result: '1', failure: '' } as const]]);
    return () => broker.flows.parentsEnded([{ id: 'c', ends }], ['end:a'], at).then(([how]) => how !== 'due');
  },
  'save-schedule': async (broker) => {
    const change = { name: 's', before: '', revision: randomUUID(), definition: '{}', dueAt: 5, isPaused: false };
    return () => broker.schedules.save(change, at);
  },
  fire: async (broker) => {
    const schedule = await aSchedule(broker);
    const runs = ['s@1', 's@2'].map((id) => ({ id, entry: `entry ${id}`, record: `record ${id}` }));
    return () => broker.schedules.fire('call', [{ schedule, nextDueAt: 9, counted: 2, runs }], at);
  },
  'remove-schedule': async (broker) => {
    await aSchedule(broker);
    const request = randomUUID();
    return () => broker.schedules.remove('s', request, at);
  },
  promote: async (broker) => {
    await delayed(broker);
    await redis().zadd(broker.keys.delayed, '1', 'a');
    return () => broker.promote(at).then(() => 'promoted');
  },
  move: async (broker) => {
    await delayed(broker);
    const request = randomUUID();
    return () => broker.move('a', { afterMs: 0 }, request, at).then(({ isMoved }) => isMoved);
  },
  cancel: async (broker) => {
    await delayed(broker);
    const request = randomUUID();
    return () => broker.cancel('a', request, at);
  },
  revive: async (broker) => {
    const letters = await dead(broker);
    const request = randomUUID();
    return () => broker.revive(letters.slice(1), 'hotqueue', request, at);
  },
  drop: async (broker) => {
    const letters = await dead(broker);
    const request = randomUUID();
    return () => broker.drop(letters.slice(1), request, at);
  },
  'bury-large': async (broker) => {
    await redis().rpush(broker.keys.base, `#big 0 0\n${'x'.repeat(1_000)}`, text('small'));
    return () => broker.buryLarge('w', at, 1_000).then(() => undefined);
  },
  sweep: async (broker) => {
    await delayed(broker);
    await redis().zrem(broker.keys.delayed, 'a'); // a message without an entry in the order
    await redis().rpush(broker.keys.low, text('quiet')); // a message that woke no worker
    return () => broker.sweep(['0', '0'], at).then(({ lost }) => lost);
  },
  clear: async (broker) => {
    await working(broker);
    const request = randomUUID();
    // With a history it drops portions, each with a call of its own: only the first call of all of them knows their sum.
    const hasHistory = (await broker.history.terms(at)) !== undefined;
    return () => broker.clear(request, at).then((count) => (hasHistory ? 'cleared' : count));
  },
  remove: async (broker) => {
    await working(broker);
    await delayed(broker);
    const [request, isForced] = [randomUUID(), true];
    return () => removeQueue(broker.connection, broker.keys, { request, isForced }, at);
  },
};

/** Everything that Redis stores of a queue, except the time of the last call and of the last heartbeat, and the ends of leases. */
async function everything({ keys }: Broker): Promise<Record<string, unknown>> {
  const all: Record<string, unknown> = {};
  const readers: Record<string, (key: string) => Promise<unknown>> = {
    list: (key) => redis().lrange(key, 0, -1),
    string: (key) => redis().get(key),
    stream: (key) => redis().xrange(key, '-', '+'),
    set: (key) =>
      redis()
        .smembers(key)
        .then((members) => members.sort()),
    hash: async (key) =>
      Object.entries(await redis().hgetallBuffer(key))
        .filter(([field]) => field !== 'seen' && field !== 'time')
        .map(([field, bytes]) => [field, bytes.toString('latin1')])
        .sort(),
    zset: (key) => (key === keys.workers ? redis().zrange(key, 0, '-1') : redis().zrange(key, 0, '-1', 'WITHSCORES')),
  };
  for (const key of (await redis().keys(`*${keys.base}*`)).sort())
    all[key] = await readers[await redis().type(key)]!(key);
  return all;
}

/** Treats the reply "already" like "done". */
function said(reply: unknown): unknown {
  if (!(reply instanceof Take)) return reply === 'already' ? 'done' : reply;
  const { worker, number, lanes, settlement } = reply; // each reply has a time of its own
  return { worker, number, lanes, settlement, texts: [...lanes].map((_, index) => reply.text(index + 1)) };
}

const withAndWithout = [...transitions, ...variants].flatMap((name) =>
  ['', 'with a history'].map((history) => [name, history] as const),
);

function brokerFor(history: string): Broker {
  const broker = aBroker();
  if (history !== '') broker.history.want({ bound: { max: 1_000 }, hasPayload: true });
  return broker;
}

describe.each(withAndWithout)('%s %s', (name, history) => {
  it('sent twice has the effect of one call', async () => {
    const broker = brokerFor(history);
    const send = await sendings[name](broker);
    const before = await everything(broker);
    const reply = await send();
    const once = await everything(broker);
    expect(once, 'the call changes something').not.toEqual(before);
    expect(said(await send())).toEqual(said(reply));
    expect(await everything(broker)).toEqual(once);
  });

  it('sent again later does not change what others did meanwhile', async () => {
    const broker = brokerFor(history);
    const send = await sendings[name](broker);
    const reply = await send();
    await broker.put({ producer: 'other', number: 1, messages: ['#late 0 0\n"late"'] }, at);
    await broker.put(
      {
        producer: 'other',
        number: 2,
        delayed: [{ id: 'later', due: { afterMs: hourMs }, lane: 'h', message: text('later') }],
      },
      at,
    );
    const after = await everything(broker);
    expect(said(await send())).toEqual(said(reply));
    expect(await everything(broker)).toEqual(after);
  });
});
