import { beforeEach, describe, expect, it } from 'vitest';
import { until } from '../support/facts.js';
import { redis } from '../support/queue.js';
import { forget, Program } from './program.js';

beforeEach(() =>
  forget(
    'cities',
    'emails',
    'sounds',
    'orders',
    'readings',
    'measurements',
    'queue',
    'echo',
    'scheduled-tasks',
    'night',
    'traced-orders',
    'images-dashboard',
  ),
);

describe('the examples', () => {
  it('for-await: consumes all messages in order, and ends', async () => {
    const script = new Program('for-await.ts');
    expect(await script.ended()).toBe(0);
    expect(script.lines).toEqual([
      'visited Lisbon',
      'visited Oslo',
      'visited Quito',
      "visited { name: 'Perth', visits: 2 }",
      'visited null',
      'left 0',
    ]);
    expect(script.stderr).toBe('');
  });

  it('decorated-worker: refuses an invalid message, retries a failed one, stops on Ctrl-C', async () => {
    const post = new Program('decorated-worker.ts');
    await post.prints('sent "Hello" to example.org, attempt 1');
    await post.prints('sent "Later" to busy.example, attempt 2');
    expect(post.stdout).toContain('refused: not a valid SendEmail: to: must be an email');
    expect(await post.interrupt()).toBe(0);
    expect(post.lines).toHaveLength(3);
  });

  it('dashboard: shows a queue at work, and leaves nothing in it', async () => {
    const demo = new Program('images/dashboard.ts', ['0']);
    await demo.prints('dashboard: http://127.0.0.1:');
    const [address] = /http:\S+/.exec(demo.stdout)!;
    const path = `${address}/api/queues/images-dashboard/messages/done`;
    await until(async () => {
      const { messages } = (await (await fetch(path)).json()) as { messages: unknown[] };
      return messages.length > 0;
    });
    expect(await demo.interrupt()).toBe(0);
    expect(await redis().llen('hotqueue:images-dashboard')).toBe(0);
  });

  it('tracing: prints the spans of one order as a tree', async () => {
    const program = new Program('tracing.ts');
    expect(await program.ended(), program.stderr).toBe(0);
    expect(program.lines).toEqual([
      'POST /orders',
      '  send traced-orders',
      '    process traced-orders (the card terminal is busy)',
      '      retry traced-orders',
      '    process traced-orders',
      '      charge the card',
    ]);
  });

  it('echo: a call with a payload runs the function, a call without arguments consumes', async () => {
    const echo = new Program('echo.ts');
    await echo.prints('… three');
    expect(await echo.interrupt('SIGTERM')).toBe(0);
    expect(echo.lines).toEqual(['… called directly', '… one', '… two', '… three']);
  });

  it('standard-schema: refuses invalid messages, and yields the output of the schema', async () => {
    const orders = new Program('standard-schema.ts');
    expect(await orders.ended()).toBe(0);
    expect(orders.lines.map((line) => line.slice(0, 12))).toEqual([
      'refused, sku',
      'refused, qua',
      '1 × TE-1',
      '6 × CU-7',
    ]);
  });

  it('schedules: puts a message again and again, and declares the nightly one', async () => {
    const office = new Program('schedules.ts');
    await until(() => office.stdout.split('check for pulse, on time').length > 2);
    expect(await redis().zrange('{hotqueue:scheduled-tasks}:schedules', 0, '-1')).toEqual(['pulse', 'nightly']);
    expect(await office.interrupt()).toBe(0);
  });

  it('nightly-flow: a schedule starts a flow, and the result of the flow is that of its job', async () => {
    const office = new Program('nightly-flow.ts', ['now']);
    expect(await office.ended(), office.stderr).toBe(0);
    expect(office.lines.slice(0, 3).map((line) => line.split(' ')[0])).toEqual(
      expect.arrayContaining(['Lisbon', 'Oslo', 'Quito']),
    );
    const sum = office.lines.slice(0, 3).reduce((total, line) => total + Number(line.split(' ')[2]), 0);
    expect(office.lines[3]).toMatch(new RegExp(`^\\d{4}-\\d\\d-\\d\\d: ${sum} in 3 shops$`));
    expect(office.lines[4]).toContain(`pieces: ${sum}`);
    expect(await redis().zrange('{hotqueue:nights}:schedules', 0, '-1')).toEqual(['nightly']);
  });

  it('batches: sends a hundred at once, retries a failed batch, and buries a refused reading', async () => {
    const archive = new Program('batches.ts');
    await archive.prints('kept 249 readings');
    await archive.prints('refused 1');
    expect(await archive.interrupt()).toBe(0);
    const sent = archive.lines.flatMap((line) => /^sent (\d+)/.exec(line)?.[1] ?? []).map(Number);
    expect(sent.reduce((sum, count) => sum + count)).toBe(250);
    expect(Math.max(...sent)).toBe(100);
    expect(archive.stderr).toContain(
      '100 messages of queue "measurements" failed together (100 will be retried, 0 buried): Error: the archive said 503',
    );
    expect(await redis().zcard('{hotqueue:measurements}:dead')).toBe(1);
  });

  it('plain-javascript: uses rules and workers without decorators', async () => {
    const record = new Program('plain-javascript.js');
    await record.prints('cellar: 12 °C, a Reading');
    expect(await record.interrupt()).toBe(0);
    expect(record.lines).toEqual([
      expect.stringMatching(/^refused: not a valid Reading: sensor: .*celsius: /),
      'roof: 31 °C, a Reading',
      'cellar: 12 °C, a Reading',
    ]);
  });
});

describe('the lesson', () => {
  it('exercise 1: the second terminal prints the messages of the first, and later lines at once', async () => {
    const first = new Program('lesson/exercise-1-put.ts');
    await first.prints('length 4');
    const second = new Program('lesson/exercise-1-consume.ts');
    await second.prints('four');
    await first.prints('type something');
    first.type('five');
    await second.prints('five');
    first.type('six');
    await second.prints('six');
    first.endOfInput();
    expect(await first.ended()).toBe(0);
    expect(first.lines.at(-1)).toBe('length 0');
    expect(second.lines).toEqual(['one', 'two', 'three', 'four', 'five', 'six']);
    await second.interrupt();
  });

  it('exercise 1: the consumer may start first', async () => {
    const second = new Program('lesson/exercise-1-consume.ts');
    await until(async () => (await redis().zcard('{hotqueue:queue}:workers')) === 1);
    const first = new Program('lesson/exercise-1-put.ts');
    await second.prints('one\ntwo\nthree\nfour');
    first.endOfInput();
    expect(await first.ended()).toBe(0);
    await second.interrupt();
  });

  it('exercise 3: echo in one terminal prints the messages from another', async () => {
    const echo = new Program('lesson/exercise-3-echo.ts');
    expect(await new Program('lesson/exercise-3-send.ts').ended()).toBe(0);
    await echo.prints('how are you?');
    expect(await new Program('lesson/exercise-3-send.ts', ['once', 'more']).ended()).toBe(0);
    await echo.prints('more');
    expect(echo.lines).toEqual(['hello', 'how are you?', 'once', 'more']);
    expect(await echo.interrupt()).toBe(0);
  });
});
