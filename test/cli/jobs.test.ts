import { JobExpiredError, start, type HotQueue, type Job, type JobStatus } from 'hotqueue';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { Keys } from '../../src/redis/keys.js';
import { until } from '../support/facts.js';
import { aQueue, redis } from '../support/queue.js';
import { redisUrl } from '../support/server.js';
import { aTerminal, hotqueueWords, keys } from '../support/terminal.js';
import { hotqueue } from './hotqueue.js';

/** A tracked queue with a worker: 'fail' fails, 'nothing' returns nothing, 'log' logs two lines, any other payload is doubled. */
function worked(): HotQueue {
  const queue = aQueue({ track: true, attempts: 1 });
  const runner = start(
    queue.worker(async (payload, job) => {
      if (payload === 'fail')
        throw Object.assign(new TypeError('no page', { cause: new Error('no route') }), { code: 'ENOPAGE' });
      if (payload === 'nothing') return undefined;
      if (payload === 'log') {
        await job.progress(0.5);
        await job.log('fetched 12 kB');
        await job.log('counted\u009b31m');
      }
      return { got: payload };
    }),
  );
  onTestFinished(() => runner.stop());
  return queue;
}

async function ended(payload: string, queue = worked()): Promise<Job> {
  const job = await queue.put(payload);
  await job.result().catch(() => undefined);
  return job;
}

/** A job with each status that needs no worker. */
async function idle(status: JobStatus, queue = aQueue({ track: true })): Promise<Job> {
  const job = await (status === 'delayed' ? queue.with({ delay: '1h' }) : queue).put('a');
  if (status === 'cancelled') await job.cancel();
  return job;
}

/** 1 when a wait or a watch of another process has begun. */
const isWatched = (queue: string, id: string): Promise<number> => redis().hexists(new Keys(queue).job(id), 'watched');

const lineOf = (text: string): unknown => JSON.parse(text);

describe('result', () => {
  it('prints what the handler returned', async () => {
    const { queue, id } = await ended('x');
    expect(await hotqueue(['result', queue, id])).toEqual({ code: 0, stdout: '{"got":"x"}\n', stderr: '' });
    expect(lineOf((await hotqueue(['result', queue, id, '--json'])).stdout)).toEqual({
      queue,
      id,
      status: 'done',
      result: { got: 'x' },
    });
  });

  it('prints a note and no result if the handler returned nothing', async () => {
    const { queue, id } = await ended('nothing');
    expect(await hotqueue(['result', queue, id])).toEqual({
      code: 0,
      stdout: '',
      stderr: `job ${id} is done: its handler returned nothing\n`,
    });
    expect(lineOf((await hotqueue(['result', queue, id, '--json'])).stdout)).toEqual({ queue, id, status: 'done' });
  });

  it('prints the error of a failed job with its cause, and exits with 1', async () => {
    const { queue, id } = await ended('fail');
    const { code, stdout, stderr } = await hotqueue(['result', queue, id]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(
      /^job \S+ of queue "\S+" failed after 1 attempt\(s\): no page\n {2}TypeError: no page[^]*code: ENOPAGE\n[^]*cause:\n +Error: no route/,
    );
    const json = await hotqueue(['result', queue, id, '--json']);
    expect(lineOf(json.stdout)).toMatchObject({
      queue,
      id,
      status: 'failed',
      error: { name: 'TypeError', message: 'no page', code: 'ENOPAGE', cause: { message: 'no route' } },
    });
    expect(json.code).toBe(1);
  });

  it.each([
    ['waiting', [], 'has not ended: it is waiting. It goes on; add --wait to wait for it'],
    ['delayed', [], 'has not ended: it is delayed'],
    ['waiting', ['--wait', '10ms'], 'has not ended within 10ms: it is waiting. It goes on; "hotqueue result'],
  ] as const)('exits with 4 if the job is %s: %j', async (status, words, sentence) => {
    const { queue, id } = await idle(status);
    const plain = await hotqueue(['result', queue, id, ...words]);
    expect(plain).toMatchObject({ code: 4, stdout: '' });
    expect(plain.stderr).toContain(sentence);
    const json = await hotqueue(['result', queue, id, ...words, '--json']);
    expect(lineOf(json.stdout)).toEqual({ queue, id, status });
    expect(json.code).toBe(4);
  });

  it('exits with 1 for a cancelled job', async () => {
    const { queue, id } = await idle('cancelled');
    expect(await hotqueue(['result', queue, id])).toEqual({
      code: 1,
      stdout: '',
      stderr: `job ${id} of queue "${queue}" was cancelled\n`,
    });
    expect(lineOf((await hotqueue(['result', queue, id, '--json'])).stdout)).toEqual({
      queue,
      id,
      status: 'cancelled',
    });
  });

  it('--wait waits for the end', async () => {
    const queue = aQueue({ track: true });
    const { id } = await queue.put('later');
    const printed = hotqueue(['result', queue.name, id, '--wait']);
    await until(
      () => isWatched(queue.name, id),
      (is) => is === 1,
    );
    const runner = start(queue.worker((payload) => payload));
    onTestFinished(() => runner.stop());
    expect(await printed).toEqual({ code: 0, stdout: '"later"\n', stderr: '' });
  });

  it('Ctrl-C ends the wait, and not the job', async () => {
    const job = await idle('waiting');
    const screen = await aTerminal(hotqueueWords('result', job.queue, job.id, '--wait', '--url', redisUrl()));
    await until(
      () => isWatched(job.queue, job.id),
      (is) => is === 1,
    );
    screen.type(keys.ctrlC);
    expect(await screen.ended).toBe(4);
    expect(screen.shown.replace(/\s+/g, ' ')).toContain('has not ended: it is waiting. It goes on');
    expect(await job.status()).toBe('waiting');
  });
});

describe('put', () => {
  it('--track keeps a record', async () => {
    const queue = aQueue();
    const { code, stdout } = await hotqueue(['put', queue.name, '"a"', '--track']);
    expect(code).toBe(0);
    expect(await queue.job(stdout.trim()).fetch()).toMatchObject({ status: 'waiting', payload: 'a' });
    const lines = await hotqueue(['put', queue.name, '-', '--track', '--json'], { input: '1\n2\n' });
    const ids = lines.stdout
      .trim()
      .split('\n')
      .map((line) => (lineOf(line) as { id: string }).id);
    expect(await queue.jobs.counts()).toMatchObject({ waiting: 3 });
    expect(await queue.job(ids[1]!).status()).toBe('waiting');
  });

  it('--unique stores one job for each key, and prints its id; --replace gives it another message', async () => {
    const queue = aQueue();
    const words = ['put', queue.name, '--unique', 'draft-4'];
    const first = await hotqueue([...words, '"one"']);
    const id = first.stdout.trim();
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(await hotqueue([...words, '"two"'])).toEqual({
      code: 0,
      stdout: `${id}\n`,
      stderr: `job ${id} has this key already: nothing was stored\n`,
    });
    expect(await queue.job(id).fetch()).toMatchObject({ payload: 'one' });
    const replaced = await hotqueue([...words, '"three"', '--replace']);
    expect(replaced.stderr).toBe(`job ${id} has this key already: its message was replaced if it has not started\n`);
    expect(await queue.job(id).fetch()).toMatchObject({ payload: 'three' });
    expect(await queue.size()).toBe(1);
  });

  it('--wait prints the result, or the error with exit code 1', async () => {
    const { name } = worked();
    const done = await hotqueue(['put', name, '"x"', '--wait', '30s']);
    expect(done).toMatchObject({ code: 0, stdout: '{"got":"x"}\n' });
    expect(done.stderr).toMatch(/^waiting for the result of job \S+\n$/);
    const json = await hotqueue(['put', name, '"x"', '--track', '--json', '--wait']);
    expect(lineOf(json.stdout)).toEqual({
      queue: name,
      id: expect.any(String) as string,
      putAt: expect.any(Number) as number,
      isDuplicate: false,
      status: 'done',
      result: { got: 'x' },
    });
    const failed = await hotqueue(['put', name, '"fail"', '--wait', '30s']);
    expect(failed).toMatchObject({ code: 1, stdout: '' });
    expect(failed.stderr).toContain('TypeError: no page');
  });

  it('--wait ends with exit code 4 after its time, and the job goes on', async () => {
    const queue = aQueue();
    const { code, stdout, stderr } = await hotqueue(['put', queue.name, '"x"', '--wait', '10ms', '--id', 'mine']);
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
    expect(stderr).toContain('job mine of queue');
    expect(await queue.job('mine').status()).toBe('waiting');
  });

  it.each([
    [['1', '--wait', '--count', '2'], '', /--wait and --count cannot be used together/],
    [['-', '--wait'], '1\n', /--wait cannot be used with lines/],
    [['1', '--unique', 'k', '--count', '2'], '', /--unique and --count cannot be used together/],
    [['-', '--unique', 'k'], '1\n', /--unique cannot be used with lines: only one message is stored/],
    [['1', '--replace'], '', /--replace needs --unique/],
    [['1', '--wait', '5'], '', /It has no unit: write 5s or 5ms/],
    [['1', '--wait', 'soon'], '', /invalid duration "soon"/],
  ])('put %j exits with 2, and puts nothing', async (words, input, sentence) => {
    const queue = aQueue();
    const refused = await hotqueue(['put', queue.name, ...words], { input });
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toMatch(sentence);
    expect(await queue.size()).toBe(0);
  });
});

describe('job', () => {
  it('show prints what is known of a job that is done', async () => {
    const { queue, id, putAt } = await ended('log');
    const { code, stdout } = await hotqueue(['job', 'show', queue, id]);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      new RegExp(
        [
          `^id        ${id}`,
          `queue     ${queue}`,
          'status    done',
          'put       \\S+Z, (now|.+ ago) by \\S+:\\d+',
          'started   \\S+Z, (now|.+ ago)',
          'ended     \\S+Z, (now|.+ ago)',
          'attempts  1',
          'worker    \\S.+',
          'progress  50%',
          '',
          'result',
          '  {"got":"log"}',
          '',
          'payload',
          '  "log"',
          '',
          'log',
          '  fetched 12 kB',
          '  counted\\\\x9b31m\\n$',
        ].join('\n'),
      ),
    );
    const json = lineOf((await hotqueue(['job', 'show', queue, id, '--json'])).stdout);
    expect(json).toMatchObject({ id, queue, status: 'done', payload: 'log', result: { got: 'log' }, progress: 0.5 });
    expect((json as { putAt: number }).putAt).toBeGreaterThan(putAt - 60_000);
  });

  it('show prints the failed attempts', async () => {
    const { queue, id } = await ended('fail');
    const { stdout } = await hotqueue(['job', 'show', queue, id]);
    expect(stdout).toMatch(/^status {4}failed$/m);
    expect(stdout).toMatch(
      /\nerror\n {2}TypeError: no page[^]*\nfailed attempts\n {2}1 {2}\S+Z {2}TypeError: no page \(cause: Error: no route\)\n/,
    );
  });

  it('show passes numbers of the payload on as they are', async () => {
    const queue = aQueue();
    const { stdout } = await hotqueue(['put', queue.name, '{"n":12345678901234567890,"one":1.0}', '--track']);
    expect((await hotqueue(['job', 'show', queue.name, stdout.trim()])).stdout).toContain(
      '{"n":12345678901234567890,"one":1.0}',
    );
    expect((await hotqueue(['job', 'show', queue.name, stdout.trim(), '--json'])).stdout).toContain(
      '"payload":{"n":12345678901234567890,"one":1.0}',
    );
  });

  it('show says when a delayed job is due', async () => {
    const job = await idle('delayed');
    const { stdout } = await hotqueue(['job', 'show', job.queue, job.id]);
    expect(stdout).toMatch(/^due +\d{4}-\S+Z, in (1 h|59 min)$/m);
  });

  it('log prints a line for each line', async () => {
    const { queue, id } = await ended('log');
    expect(await hotqueue(['job', 'log', queue, id])).toEqual({
      code: 0,
      stdout: 'fetched 12 kB\ncounted\\x9b31m\n',
      stderr: '',
    });
    const json = (await hotqueue(['job', 'log', queue, id, '--json'])).stdout.trim().split('\n').map(lineOf);
    expect(json).toEqual([
      { queue, id, log: 'fetched 12 kB' },
      { queue, id, log: 'counted\u009b31m' },
    ]);
    const silent = await ended('nothing');
    expect(await hotqueue(['job', 'log', silent.queue, silent.id])).toEqual({
      code: 0,
      stdout: '',
      stderr: `job ${silent.id} is done, and has logged nothing\n`,
    });
  });

  it('log says how many lines are not kept', async () => {
    const queue = aQueue({ track: true });
    const runner = start(
      queue.worker(async (_, job) => {
        for (let n = 1; n <= 103; n += 1) await job.log(`line ${n}`);
      }),
    );
    onTestFinished(() => runner.stop());
    const { id } = await ended('many', queue);
    const { stdout, stderr } = await hotqueue(['job', 'log', queue.name, id]);
    expect(stdout.split('\n')[0]).toBe('line 4');
    expect(stderr).toBe(`3 earlier lines of job ${id} not kept\n`);
    expect((await hotqueue(['job', 'show', queue.name, id])).stdout).toContain(
      '… 3 earlier lines not kept\n  line 4\n',
    );
  });

  it('log --follow prints lines until the job ends', async () => {
    const queue = aQueue({ track: true });
    const { id } = await queue.put('log');
    const screen = await aTerminal(hotqueueWords('job', 'log', queue.name, id, '-f', '--url', redisUrl()));
    await until(
      () => isWatched(queue.name, id),
      (is) => is === 1,
    );
    let end = (): void => undefined;
    const runner = start(
      queue.worker(async (_, job) => {
        await job.log('one');
        await new Promise<void>((resolve) => (end = resolve));
        await job.log('two');
      }),
    );
    onTestFinished(() => runner.stop());
    await screen.shows(/^one$/m);
    end();
    expect(await screen.ended).toBe(0);
    expect(screen.shown).toMatch(/one\ntwo/);
  });

  it('cancel cancels what has not ended, and says why it could not', async () => {
    const queue = worked();
    const over = await ended('x', queue);
    const waiting = await queue.with({ delay: '1h' }).put('a');
    const { code, stdout, stderr } = await hotqueue(['job', 'cancel', queue.name, waiting.id, over.id, 'unknown']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: `1 job of ${queue.name} cancelled\n` });
    expect(stderr).toBe(
      `${queue.name} has no record of job "unknown"\njob "${over.id}" is done: too late to cancel it\n`,
    );
    expect(await waiting.status()).toBe('cancelled');
    const json = await hotqueue(['job', 'cancel', queue.name, over.id, '--json']);
    expect(lineOf(json.stdout)).toEqual({
      queue: queue.name,
      cancelled: [],
      refused: [{ id: over.id, status: 'done' }],
      missing: [],
    });
    expect(await hotqueue(['job', 'cancel', queue.name, 'unknown'])).toMatchObject({ code: 3 });
  });

  it('retry puts a failed job back', async () => {
    const queue = aQueue({ track: true, attempts: 1 });
    let isBroken = true;
    const runner = start(
      queue.worker(() => {
        if (isBroken) throw new Error('not yet');
        return 'mended';
      }),
    );
    onTestFinished(() => runner.stop());
    const job = await ended('x', queue);
    isBroken = false;
    expect(await hotqueue(['job', 'retry', queue.name, job.id])).toEqual({
      code: 0,
      stdout: `1 job of ${queue.name} retried\n`,
      stderr: '',
    });
    expect(await hotqueue(['result', queue.name, job.id, '--wait', '30s'])).toMatchObject({ stdout: '"mended"\n' });
    expect(await queue.dead.size()).toBe(0);
  });

  it.each(['waiting', 'delayed', 'cancelled'] as const)('retry refuses a job that is %s', async (status) => {
    const { queue, id } = await idle(status);
    const sentence = `job "${id}" is ${status}: only a failed or expired job whose dead letter exists can be retried\n`;
    expect(await hotqueue(['job', 'retry', queue, id, '--json'])).toEqual({
      code: 1,
      stdout: `${JSON.stringify({ queue, retried: [], refused: [{ id, status }], missing: [] })}\n`,
      stderr: sentence,
    });
  });

  it('an expired job has no result, and can be retried', async () => {
    const queue = aQueue({ track: true });
    const { id } = await queue.with({ ttl: '1ms' }).put('x');
    const runner = start(queue.worker((payload) => payload));
    onTestFinished(() => runner.stop());
    await expect(queue.job(id).result()).rejects.toThrow(JobExpiredError);
    expect(await hotqueue(['result', queue.name, id, '--json'])).toEqual({
      code: 1,
      stdout: `${JSON.stringify({ queue: queue.name, id, status: 'expired' })}\n`,
      stderr: `job ${id} of queue "${queue.name}" has expired: no worker took it before its ttl had passed\n`,
    });
    expect((await hotqueue(['jobs', queue.name, '--status', 'expired'])).stdout).toMatch(
      new RegExp(`^id +ended +message\n${id} +\\S.* +"x"\n$`),
    );
    await runner.stop();
    expect(await hotqueue(['job', 'retry', queue.name, id])).toMatchObject({ code: 0 });
    expect(await queue.dead.size()).toBe(0);
    expect(await queue.job(id).status()).toBe('waiting');
  });

  it('retry refuses a failed job whose dead letter was dropped', async () => {
    const queue = worked();
    const { id } = await ended('fail', queue);
    await queue.dead.dropAll();
    expect(await hotqueue(['job', 'retry', queue.name, id])).toMatchObject({ code: 1 });
    expect(await queue.size()).toBe(0);
  });
});

describe.each([
  ['an unknown id', async () => ({ queue: aQueue().name, id: 'unknown' })],
  [
    'an untracked message',
    async () => {
      const queue = aQueue();
      return { queue: queue.name, id: (await queue.put('a')).id };
    },
  ],
])('%s', (_what, made) => {
  it.each([['result'], ['result --wait'], ['job show'], ['job log'], ['job log -f'], ['job cancel'], ['job retry']])(
    '%s exits with 3, and says that there is no record',
    async (words) => {
      const { queue, id } = await made();
      const ran = await hotqueue(
        [...words.split(' ').slice(0, 2), queue, id, ...words.split(' ').slice(2)].sort(byFlag),
      );
      expect(ran.code).toBe(3);
      expect(ran.stderr).toContain('no record of job');
    },
  );
});

/** Flags at the end. */
const byFlag = (one: string, other: string): number => Number(one.startsWith('-')) - Number(other.startsWith('-'));

describe('jobs', () => {
  it('prints how many jobs have each status', async () => {
    const queue = worked();
    await ended('x', queue);
    await ended('fail', queue);
    await idle('delayed', queue);
    const { code, stdout } = await hotqueue(['jobs', queue.name]);
    expect(code).toBe(0);
    expect(stdout.replace(/ +/g, ' ')).toBe(
      'status jobs\nwaiting 0\ndelayed 1\nrunning 0\nretrying 0\ndone 1\nfailed 1\ncancelled 0\nexpired 0\n',
    );
    expect(lineOf((await hotqueue(['jobs', queue.name, '--json'])).stdout)).toMatchObject({
      queue: queue.name,
      counts: { done: 1, failed: 1, delayed: 1, waiting: 0 },
    });
  });

  it('--status prints a page, and the cursor of the next', async () => {
    const queue = worked();
    const first = await ended('fail', queue);
    const second = await ended('fail', queue);
    const page = await hotqueue(['jobs', queue.name, '--status', 'failed', '--limit', '1']);
    expect(page.stdout).toMatch(
      new RegExp(
        `^id +ended +attempts +error +message\n${second.id} +\\S.* +1 +TypeError: no page \\(cause: Error: no route\\) +"fail"\nmore: use --cursor \\S+\n$`,
      ),
    );
    const cursor = /--cursor (\S+)/.exec(page.stdout)![1]!;
    const rest = await hotqueue(['jobs', queue.name, '--status', 'failed', '-l', '1', '--cursor', cursor, '--json']);
    const form = z.strictObject({
      queue: z.literal(queue.name),
      status: z.literal('failed'),
      jobs: z.tuple([z.object({ id: z.literal(first.id), payload: z.literal('fail'), status: z.literal('failed') })]),
    });
    form.parse(lineOf(rest.stdout)); // the last page has no cursor
    expect(await hotqueue(['jobs', queue.name, '--status', 'failed', '--cursor', '0:a'])).toMatchObject({
      code: 3,
      stdout: '',
      stderr: `${queue.name} has no more job that is failed\n`,
    });
  });

  it.each([
    ['waiting', /^id +put +attempts +message\n\S+ +\S.* 0 +"a"$/m],
    ['delayed', /^id +due +message\n\S+ +in (1 h|59 min) +"a"$/m],
    ['cancelled', /^id +ended +message\n\S+ +\S.* +"a"$/m],
  ] as const)('--status %s has its own columns', async (status, form) => {
    const { queue } = await idle(status);
    expect((await hotqueue(['jobs', queue, '--status', status])).stdout).toMatch(form);
  });

  it('--status done shows results, --status running progress', async () => {
    const queue = worked();
    await ended('x', queue);
    expect((await hotqueue(['jobs', queue.name, '--status', 'done'])).stdout).toMatch(
      /^id +ended +result +message\n\S+ +\S.* {"got":"x"} +"x"$/m,
    );
    const other = aQueue({ track: true });
    let end = (): void => undefined;
    const runner = start(
      other.worker(async (_, job) => {
        await job.progress(0.25);
        await new Promise<void>((resolve) => (end = resolve));
      }),
    );
    onTestFinished(() => runner.stop());
    const job = await other.put('slow');
    await until(
      () => job.fetch(),
      (record) => record?.progress === 0.25,
    );
    expect((await hotqueue(['jobs', other.name, '--status', 'running'])).stdout).toMatch(
      /^id +started +worker +progress +message\n\S+ .* 25% +"slow"$/m,
    );
    end();
  });

  it('fits a terminal, and keeps the ids whole', async () => {
    const queue = aQueue({ track: true });
    const { id } = await queue.put('long '.repeat(100));
    const screen = await aTerminal(hotqueueWords('jobs', queue.name, '--status', 'waiting', '--url', redisUrl()), {
      cols: 72,
    });
    expect(await screen.ended).toBe(0);
    const lines = screen.shown.split('\n');
    expect(lines[0]).toMatch(/^id +put +attempts +message$/);
    expect(lines[1]).toMatch(new RegExp(`^${id} .*"long.*…$`));
    expect(lines).toHaveLength(2);
  });

  it.each([
    [['--status', 'lost'], 2, /Allowed choices are waiting, delayed, running/],
    [['--limit', '5'], 2, /--limit and --cursor need --status/],
    [['--cursor', '1:a'], 2, /--limit and --cursor need --status/],
    [['--status', 'done', '--limit', '0'], 2, /whole number from 1 to 1000/],
    [['--status', 'done', '--cursor', 'x'], 1, /invalid cursor "x"/],
    [['--status', 'done'], 3, /has no job that is done/],
  ])('%j exits with %i and an error message', async (words, code, sentence) => {
    const refused = await hotqueue(['jobs', aQueue().name, ...words]);
    expect(refused).toMatchObject({ code, stdout: '' });
    expect(refused.stderr).toMatch(sentence);
  });
});
