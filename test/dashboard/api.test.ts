import { HotQueue, start } from 'hotqueue';
import { IsInt } from 'class-validator';
import { describe, expect, it } from 'vitest';
import { latch, until } from '../support/facts.js';
import { aQueue } from '../support/queue.js';
import { act, aBoard, get, post, refusal } from './board.js';

/** A queue with a dead letter whose error has a cause. */
async function withDeadLetters(count = 1) {
  const queue = aQueue({ track: true, attempts: 1 });
  await queue.putAll(Array.from({ length: count }, (_, number) => ({ number })));
  const worker = queue.worker(() => {
    throw new TypeError('fetch failed', { cause: Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }) });
  });
  const runner = start(worker);
  await until(
    () => queue.dead.size(),
    (size) => size === count,
  );
  await runner.stop();
  return queue;
}

describe('the overview', () => {
  it('has every queue, and what needs a person first', async () => {
    const queue = aQueue();
    await queue.put(1, 2);
    const board = aBoard();
    const { queues, redis } = await get(board, '/api/overview', 'overview');
    expect(redis).toEqual({ isUp: true, downSince: null, error: null });
    const row = queues.find(({ name }) => name === queue.name);
    expect(row).toMatchObject({ waiting: 2, active: 0, workers: 0, isPaused: false });
    expect(row?.problems[0]).toEqual({ level: 'problem', says: 'no worker takes its messages' });
    expect(row!.oldestAt).toBeLessThanOrEqual(Date.now());
  });

  it('has only the queues that the option names, and refuses the others', async () => {
    const [one, other] = [aQueue(), aQueue()];
    await Promise.all([one.put(1), other.put(1)]);
    const board = aBoard({ queues: [one.name] });
    const { queues } = await get(board, '/api/overview', 'overview');
    expect(queues.map(({ name }) => name)).toEqual([one.name]);
    const response = await board.fetch(new Request(`http://127.0.0.1/api/queues/${other.name}/messages/waiting`));
    expect(await refusal(response)).toEqual([404, 'NO_QUEUE']);
  });
});

describe('a queue', () => {
  it('has its workers, what they run, and its jobs by status', async () => {
    const queue = aQueue({ track: true, lease: '1s' });
    const [begun, go] = [latch(), latch()];
    const runner = start(
      queue.worker(async () => {
        begun.open();
        await go;
      }),
    );
    const job = await queue.put({ a: 1 });
    await begun;
    const board = aBoard();
    await queue.workers.watch();
    const detail = await until(
      () => get(board, `/api/queues/${queue.name}`, 'queue'),
      ({ workers }) => workers[0]?.activeMessages.length === 1,
    );
    expect(detail.workers[0]!.activeMessages[0]).toMatchObject({ id: job.id, attempt: 1 });
    expect(detail.jobs['running']).toBe(1);
    const page = await get(board, `/api/queues/${queue.name}/messages/active`, 'page');
    expect(page.messages.map(({ id }) => id)).toEqual([job.id]);
    go.open();
    await runner.stop();
  });

  it('has pages of waiting messages in their order', async () => {
    const queue = aQueue();
    await queue.putAll(Array.from({ length: 7 }, (_, number) => ({ number })));
    await queue.with({ priority: 'high' }).put({ number: 'first' });
    const board = aBoard();
    const texts: string[] = [];
    for (let from: string | null = ''; from !== null;) {
      const path: string = `/api/queues/${queue.name}/messages/waiting?limit=3&from=${from}`;
      const { messages, next, atMeans } = await get<'page'>(board, path, 'page');
      expect(atMeans).toBe('put');
      texts.push(...messages.map(({ payload }) => payload!.text));
      from = next;
    }
    expect(texts).toEqual(['"first"', 0, 1, 2, 3, 4, 5, 6].map((number) => `{"number":${number}}`));
  });

  it('finds messages by a text in the payload, and says how many it looked at', async () => {
    const queue = aQueue();
    await queue.putAll(Array.from({ length: 150 }, (_, number) => ({ mail: `ada-${number}@example.com` })));
    const board = aBoard();
    const path = `/api/queues/${queue.name}/messages/waiting?search=ADA-149@`;
    const { messages, searched, next } = await get(board, path, 'page');
    expect([messages.map(({ payload }) => payload!.text), searched, next]).toEqual([
      ['{"mail":"ada-149@example.com"}'],
      150,
      null,
    ]);
  });

  it('cuts a large payload in lists, and gives all of it as plain text', async () => {
    const queue = aQueue();
    const text = '<script>alert(1)</script>'.repeat(30_000);
    const job = await queue.with({ delay: '1h' }).put(text);
    const board = aBoard();
    const { messages } = await get(board, `/api/queues/${queue.name}/messages/delayed`, 'page');
    expect(messages[0]!.payload).toMatchObject({ size: text.length + 2, isCut: true });
    expect(messages[0]!.payload!.text.length).toBeLessThan(2_000);
    const response = await board.fetch(new Request(`http://127.0.0.1/api/queues/${queue.name}/jobs/${job.id}/payload`));
    expect(response.headers.get('content-type')).toMatch(/^text\/plain/);
    expect(response.headers.get('content-disposition')).toMatch(/^attachment/);
    expect(await response.text()).toBe(JSON.stringify(text));
  });

  it('is paused, resumed and cleared, and takes messages', async () => {
    const queue = aQueue();
    await queue.put(1);
    const board = aBoard();
    const at = `/api/queues/${queue.name}`;
    await act(board, `${at}/pause`, { for: '10m' });
    expect(await queue.isPaused()).toBe(true);
    await act(board, `${at}/resume`);
    expect(await queue.isPaused()).toBe(false);
    const { id } = await act(board, `${at}/messages`, { payload: '{"big": 12345678901234567890}', delay: '1h' });
    expect((await queue.delayed.get(id!))?.text).toBe('{"big": 12345678901234567890}');
    expect(await act(board, `${at}/clear`)).toMatchObject({ count: 2 });
    expect(await queue.counts()).toMatchObject({ waiting: 0, delayed: 0 });
  });

  it('refuses a payload that is not JSON, or that breaks the rules of a queue that was given', async () => {
    class Order {
      @IsInt() number!: number;
    }
    const queue = aQueue({ payload: Order });
    await queue.put({ number: 1 });
    const board = aBoard({ queues: [queue as unknown as HotQueue<never, never>] });
    const at = `/api/queues/${queue.name}/messages`;
    expect(await refusal(await post(board, at, { payload: '{' }))).toEqual([400, 'INVALID_JSON']);
    expect(await refusal(await post(board, at, { payload: '{"number":"x"}' }))).toEqual([400, 'INVALID_PAYLOAD']);
    expect(await refusal(await post(board, at, { payload: '{"number":1}', delay: 'soon' }))).toEqual([
      400,
      'INVALID_OPTION',
    ]);
    expect(await queue.size()).toBe(1);
    await act(board, at, { payload: '{"number":2}' });
    expect(await queue.size()).toBe(2);
  });
});

it('the form of a new message has the rules of a class, the fields of a message, or nothing', async () => {
  class Order {
    @IsInt() number!: number;
  }
  const [typed, used, empty] = [aQueue({ payload: Order }), aQueue(), aQueue()];
  await Promise.all([typed.put({ number: 1 }), used.put({ card: { number: '4242' }, tags: ['a'], size: 3 })]);
  const board = aBoard({ queues: [typed as unknown as HotQueue<never, never>, used.name, empty.name] });
  const formOf = (name: string) => get(board, `/api/queues/${name}/form`, 'form');
  expect(await formOf(typed.name)).toEqual({
    from: 'class',
    name: 'Order',
    schema: { type: 'object', title: 'Order', properties: { number: { type: 'integer' } }, required: ['number'] },
  });
  const card = { type: 'object', properties: { number: { type: 'string' } } };
  const tags = { type: 'array', items: { type: 'string' } };
  expect(await formOf(used.name)).toEqual({
    from: 'message',
    name: null,
    schema: { type: 'object', properties: { card, tags, size: { type: 'number' } } },
  });
  expect(await formOf(empty.name)).toEqual({ from: null, name: null, schema: null });
});

describe('a job', () => {
  it('has its payload, its attempts with causes, its log and its progress', async () => {
    const queue = aQueue({ track: true, attempts: 1 });
    const runner = start(
      queue.worker(async (_, job) => {
        await job.progress({ percent: 40 });
        await job.log('<b>begun</b>');
        throw new TypeError('fetch failed', { cause: Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }) });
      }),
    );
    const job = await queue.put({ a: 1 });
    await until(() => queue.dead.size());
    await runner.stop();
    const view = await get(aBoard(), `/api/queues/${queue.name}/jobs/${job.id}`, 'job');
    expect(view).toMatchObject({
      status: 'failed',
      isTracked: true,
      attempts: 1,
      payload: { text: '{"a":1}' },
      progress: { text: '{"percent":40}' },
      log: ['<b>begun</b>'],
      dead: { key: job.id },
      actions: ['revive', 'drop'],
    });
    expect(view.failures[0]!.error).toMatchObject({ name: 'TypeError', cause: { code: 'ECONNREFUSED' } });
  });

  it('without a record is found where it is: waiting, delayed or nowhere', async () => {
    const queue = aQueue({ track: false });
    await queue.put('before');
    const [waiting, delayed] = [await queue.put('mine'), await queue.with({ delay: '1h' }).put('later')];
    const board = aBoard();
    const at = `/api/queues/${queue.name}/jobs`;
    expect(await get(board, `${at}/${waiting.id}`, 'job')).toMatchObject({ status: 'waiting', position: 1 });
    expect(await get(board, `${at}/${delayed.id}`, 'job')).toMatchObject({ status: 'delayed', isTracked: false });
    expect(await refusal(await board.fetch(new Request(`http://127.0.0.1${at}/none`)))).toEqual([404, 'NO_JOB']);
  });

  it('is moved, made waiting, and cancelled', async () => {
    const queue = aQueue({ track: true });
    const [one, two] = [await queue.with({ delay: '1h' }).put(1), await queue.with({ delay: '1h' }).put(2)];
    const board = aBoard();
    const at = `/api/queues/${queue.name}/jobs`;
    const before = (await queue.delayed.get(one.id))!.dueAt;
    await act(board, `${at}/${one.id}/move`, { delay: '2h' });
    expect((await queue.delayed.get(one.id))!.dueAt).toBeGreaterThan(before + 3_000_000);
    await act(board, `${at}/${one.id}/promote`);
    expect(await queue.size()).toBe(1);
    await act(board, `${at}/${two.id}/cancel`);
    expect(await queue.job(two.id).status()).toBe('cancelled');
    expect(await refusal(await post(board, `${at}/${two.id}/promote`))).toEqual([409, 'TOO_LATE']);
  });
});

describe('dead letters', () => {
  it('are grouped by reason and error, whatever numbers they name', async () => {
    const queue = await withDeadLetters(3);
    const board = aBoard();
    const { total, read, groups } = await get(board, `/api/queues/${queue.name}/dead`, 'groups');
    expect([total, read, groups.length]).toEqual([3, 3, 1]);
    expect(groups[0]).toMatchObject({ count: 3, error: 'TypeError', message: 'fetch failed' });
    expect(groups[0]!.keys).toHaveLength(3);
  });

  it('are revived and dropped by their keys, or all', async () => {
    const queue = await withDeadLetters(4);
    const board = aBoard();
    const at = `/api/queues/${queue.name}/dead`;
    const [one, two] = await queue.dead.list();
    expect(await act(board, `${at}/revive`, { keys: [one!.key] })).toMatchObject({ count: 1 });
    expect(await act(board, `${at}/drop`, { keys: [two!.key, 'none'] })).toMatchObject({ count: 1 });
    expect(await refusal(await post(board, `${at}/drop`, {}))).toEqual([400, 'INVALID_BODY']);
    expect(await queue.dead.size()).toBe(2);
    expect(await act(board, `${at}/revive`, { all: true })).toMatchObject({ count: 2 });
    expect(await queue.counts()).toMatchObject({ dead: 0, waiting: 3 });
  });
});

it('schedules are listed with their times and runs, run now, paused and resumed', async () => {
  const queue = aQueue({ track: true });
  await queue.schedules.set('nightly', { cron: '0 3 * * *', timeZone: 'Europe/Berlin', payload: { kind: 'daily' } });
  const board = aBoard({ queues: [queue.name] });
  const at = `/api/queues/${queue.name}/schedules/nightly`;
  const { id } = await act(board, `${at}/run`);
  const [row] = await get(board, '/api/schedules', 'schedules');
  expect(row).toMatchObject({
    name: 'nightly',
    when: '0 3 * * * (Europe/Berlin)',
    payload: { text: '{"kind":"daily"}' },
  });
  expect(row!.next).toHaveLength(3);
  expect(row!.history).toMatchObject([{ id, status: 'waiting', isManual: true }]);
  await act(board, `${at}/pause`);
  expect((await get(board, `/api/queues/${queue.name}/schedules`, 'schedules'))[0]).toMatchObject({
    isPaused: true,
    next: [],
  });
  await act(board, `${at}/resume`);
  expect((await queue.schedules.get('nightly'))!.isPaused).toBe(false);
  expect(await refusal(await post(board, `/api/queues/${queue.name}/schedules/none/run`))).toEqual([
    404,
    'NO_SCHEDULE',
  ]);
});

it('a workflow is a graph of jobs', async () => {
  const [first, second] = [aQueue({ track: true }), aQueue({ track: true })];
  const one = await first.put(1);
  const two = await second.with({ after: [one] }).put(2);
  const { nodes } = await get(aBoard(), `/api/queues/${second.name}/jobs/${two.id}/flow`, 'flow');
  expect(nodes.map(({ id, after }) => [id, after])).toEqual([
    [one.id, []],
    [two.id, [one.id]],
  ]);
});

it('workers are told to take no more messages', async () => {
  const queue = aQueue({ lease: '1s' });
  const runner = start(queue.worker(() => undefined));
  const [worker] = await until(
    () => queue.workers.list(),
    ({ length }) => length === 1,
  );
  const board = aBoard({ queues: [queue.name] });
  expect((await get(board, '/api/workers', 'workers')).map(({ id }) => id)).toEqual([worker!.id]);
  await act(board, `/api/queues/${queue.name}/workers/${worker!.id}/quiet`);
  await until(
    () => queue.workers.list(),
    ([one]) => one?.status === 'quiet',
  );
  await runner.stop();
});

it('the page about Redis has its version, and what the doctor finds', async () => {
  const { facts, findings } = await get(aBoard(), '/api/redis', 'redis');
  expect(facts.find(({ name }) => name === 'version')!.value).toMatch(/^(Redis|Valkey) \d/);
  expect(findings.map(({ check }) => check)).toEqual(expect.arrayContaining(['eviction', 'persistence', 'clock']));
});

it('the past of a queue has attempts, run times and wait times for each range', async () => {
  const queue = aQueue();
  await queue.put(1, 2, 3);
  const runner = start(queue.worker(() => undefined));
  await queue.drained();
  await runner.stop();
  const board = aBoard({ queues: [queue.name] });
  for (const [range, least] of [
    ['1h', 60],
    ['24h', 96],
    ['30d', 120],
  ] as const) {
    const { total, points } = await get(board, `/api/queues/${queue.name}/metrics/${range}`, 'metrics');
    expect(total).toMatchObject({ handled: 3, failed: 0, run: { count: 3 } });
    expect(total.run.p95Ms).toBeGreaterThanOrEqual(0);
    expect(points.length).toBeGreaterThanOrEqual(least);
    expect(points.at(-1)!.done).toBeGreaterThan(0);
  }
  const other = await board.fetch(new Request(`http://127.0.0.1/api/queues/${queue.name}/metrics/1y`));
  expect(await refusal(other)).toEqual([404, 'UNKNOWN_PATH']);
});
