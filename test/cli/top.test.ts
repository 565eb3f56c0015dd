import { expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { HotQueue } from 'hotqueue';
import { until } from '../support/facts.js';
import { aName, aQueue, redis } from '../support/queue.js';
import { redisUrl } from '../support/server.js';
import { realProgram, startRedis } from '../support/servers.js';
import { freePorts } from '../support/ports.js';
import { aTerminal, hotqueueWords, keys } from '../support/terminal.js';
import { hotqueue } from './hotqueue.js';
import { running } from './running.js';
import { checkCapture } from './top-capture.js';
import { aBusyScene, aTop, isRestored, shows } from './top-scene.js';

const patient = 120_000;

it('with 80 columns shows the queues, and executes the actions of keys', { timeout: patient }, async () => {
  const { prefix, emails, images, reports } = await aBusyScene();
  const screen = await aTop(['--prefix', prefix], { cols: 80, rows: 24 });
  const busy = await shows(
    screen,
    /> emails +█+ .* [1-9]\d* +0 +\d+ s\n[^]*Postman\.send .*4\/4 .* [1-9][\d,]* +0\n {4}[0-9a-f-]{36} {2}attempt 1, (just started|for)/,
  );
  expect(busy).toMatch(/^ {2}images .* 10 +2 +0 +2 /m);
  checkCapture(80, busy);
  expect(busy.split('\n').every((line) => line.length <= 80)).toBe(true);
  expect(screen.raw).toContain('\x1b[31m');

  // Any bytes at the head of a queue are shown, with control characters escaped.
  await redis().lpush(images.key, 'not JSON \x1b]0;owned\x07\x1b[2J\x9b31m');
  screen.type(keys.down);
  const held = await shows(screen, /> images [^]*not JSON/);
  expect(held).toContain('not JSON \\x1b]0;owned\\x07\\x1b[2…');
  expect(screen.raw).not.toContain('owned\x07');
  const [next] = await images.peek(2); // peek() skips messages that are not JSON
  expect(held.indexOf('not JSON')).toBeLessThan(held.indexOf(next!.id));
  await shows(screen, /Studio\.resize .*2\/2 for .*(\n {4}[0-9a-f-]{36} {2}attempt 1, .*){2}/);

  screen.type('p');
  await shows(screen, /images is paused: no worker takes messages/);
  expect(await images.isPaused()).toBe(true);
  await shows(screen, /> images .* paused [^]*Next on images \(paused\)/);
  screen.type('p');
  await shows(screen, /images is resumed/);
  expect(await images.isPaused()).toBe(false);

  screen.type('r');
  await shows(screen, /revive all 2 dead letters of images\? y: yes/);
  screen.type('n');
  await shows(screen, /nothing was changed/);
  expect(await images.dead.size()).toBe(2);
  const before = await images.size();
  screen.type('r');
  await shows(screen, /revive all 2/);
  screen.type('y');
  await shows(screen, /2 dead letters of images revived/);
  expect([await images.dead.size(), await images.size()]).toEqual([0, before + 2]);
  await shows(screen, /> images .* 2 +0 +0 /);
  screen.type('d');
  await shows(screen, /images has no dead letters/);

  screen.type('j');
  await shows(screen, /> reports [^]*no message is waiting/);
  screen.type('n');
  await shows(screen, /promote all 3 delayed messages of reports now\?/);
  screen.type('y');
  await shows(screen, /3 delayed messages of reports promoted/);
  expect((await reports.peek(5)).map(({ payload }) => payload)).toEqual(['january', 'february', 'march']);
  await shows(screen, /> reports [^]*"january"\n.*"february"\n.*"march"/);

  screen.type('?');
  await shows(screen, /Keys\n[^]*drop all its dead letters permanently/);
  screen.type(' ');
  await shows(screen, /Next on reports/);
  screen.resize(60, 5);
  expect(
    (await shows(screen, /^hotqueue top.*\n {2}queue .*\n> reports|^hotqueue top.*\n.*\n.*\n> reports/)).split('\n'),
  ).toHaveLength(5);
  screen.type('q');
  expect(await screen.ended).toBe(0);
  await until(() => isRestored(screen)); // its last output may come after its end
  await until(() => screen.text === '');
  expect(await emails.isPaused()).toBe(false);
});

it(
  'with 200 columns shows workers beside messages, respects NO_COLOR, drops after the key y, and restores the terminal on SIGTERM',
  { timeout: patient },
  async () => {
    const { prefix, images } = await aBusyScene();
    const screen = await aTop(['emails', 'images', '--prefix', prefix], {
      cols: 200,
      rows: 30,
      env: { NO_COLOR: '1' },
    });
    const busy = await shows(
      screen,
      /> emails .* [1-9]\d* +0 +\d+ s\n[^]*Postman\.send .*4\/4 .* │ {3}[0-9a-f-]{36} .*@example\.com"\}[^]*attempt 1, /,
    );
    checkCapture(200, busy);
    expect(busy).toMatch(/^hotqueue top {2}2 queues, 2 workers: /);
    // eslint-disable-next-line no-control-regex
    expect(screen.raw).not.toMatch(/\x1b\[[1-9][\d;]*m/);

    screen.type(keys.down);
    await shows(screen, /> images /);
    screen.type('d');
    await shows(screen, /drop all 2 dead letters of images permanently\?/);
    expect(await images.dead.size()).toBe(2);
    screen.type('y');
    await shows(screen, /2 dead letters of images dropped/);
    expect(await images.dead.size()).toBe(0);
    screen.resize(80, 24);
    await shows(screen, /\n\n1 worker on images: [^]*\n\nNext on images\n/);
    expect(await screen.kill('SIGTERM')).toBe(0);
    await until(() => isRestored(screen));
  },
);

it(
  'shows that Redis does not answer, continues when it is back, and ends at once on Ctrl-C while it is down',
  { timeout: patient },
  async () => {
    const [program, port] = [await realProgram(), (await freePorts(1))[0]];
    const serve = () => startRedis(program, ['--port', String(port)]);
    let server = await serve();
    onTestFinished(() => server.stop());
    const url = `redis://127.0.0.1:${port}`;
    const screen = await aTop(['jobs', '--url', url, '--interval', '200ms'], { cols: 80, rows: 24 });
    await shows(screen, /> jobs .* 0 /);
    await server.stop();
    await shows(screen, /Redis does not answer for \d+ s/);
    screen.type('?');
    await shows(screen, /Keys\n/);
    server = await serve();
    const queue = new HotQueue('jobs', { url, logger: false });
    onTestFinished(() => queue.close());
    await queue.put('after the outage');
    // The reply to an earlier query does not undo a key that was pressed meanwhile.
    expect(await shows(screen, /1 waiting/)).toMatch(/Keys\n[^]*q quit/);
    screen.type(' ');
    expect(await shows(screen, /> jobs [^]*"after the outage"/)).not.toContain('does not answer');
    await server.stop();
    await shows(screen, /Redis does not answer/);
    screen.type(keys.ctrlC);
    expect(await screen.ended).toBe(0);
    await until(() => isRestored(screen));
  },
);

it(
  'restores the terminal after an error, and prints the error on the normal screen',
  { timeout: patient },
  async () => {
    const [node, ...rest] = hotqueueWords('top', aName());
    const bomb = 'data:text/javascript,process.on("SIGUSR2",()=>{throw new Error("boom")})';
    const screen = await aTerminal([node!, '--import', bomb, ...rest], {
      env: { ...process.env, REDIS_URL: redisUrl() },
    });
    await shows(screen, /^hotqueue top/);
    process.kill(screen.pid, 'SIGUSR2');
    expect(await screen.ended).not.toBe(0);
    // The process may end before the terminal has shown its last output.
    await until(() => screen.text.includes('Error: boom'));
    await until(() => isRestored(screen));
  },
);

const nextForm = z.strictObject({
  id: z.string(),
  putAt: z.nullable(z.number()),
  attempts: z.number(),
  text: z.string(),
});
const topForm = z.strictObject({
  at: z.number(),
  queues: z.array(
    z.strictObject({
      name: z.string(),
      waiting: z.number(),
      active: z.number(),
      delayed: z.number(),
      dead: z.number(),
      done: z.number(),
      failed: z.number(),
      paused: z.boolean(),
      oldestAt: z.nullable(z.number()),
      nextSchedule: z.nullable(z.strictObject({ name: z.string(), dueAt: z.number() })),
      rates: z.nullable(z.strictObject({ done: z.number(), failed: z.number() })),
      workers: z.array(
        z.looseObject({
          id: z.string(),
          activeMessages: z.array(z.strictObject({ id: z.string(), attempt: z.number(), since: z.number() })),
        }),
      ),
      next: z.array(nextForm),
    }),
  ),
});

it('without a terminal prints a block of text or a line of JSON for each snapshot', { timeout: patient }, async () => {
  const queue = aQueue();
  const [a] = await queue.put('a', 'b', 'c');
  await redis().lpush(queue.key, '\x1b[2Jbare');
  const { code, stdout } = await hotqueue(['top', queue.name, '--once', '-n', '2']);
  expect(code).toBe(0);
  expect(stdout).toMatch(
    new RegExp(
      `^${queue.name} █+ 4 waiting, 0 active[^]*\nnext on ${queue.name} .*\n- +- +\\\\x1b\\[2Jbare\n${a!.id} +(now|\\d+ s) +"a"\n$`,
    ),
  );
  const one = topForm.parse(JSON.parse((await hotqueue(['top', queue.name, '--once', '--json'])).stdout));
  expect(one.queues).toMatchObject([
    {
      name: queue.name,
      waiting: 4,
      next: [
        { id: '', putAt: null, text: '\x1b[2Jbare' },
        { id: a!.id, putAt: a!.putAt, attempts: 0, text: '"a"' },
        {},
        {},
      ],
    },
  ]);

  const child = running(['top', queue.name, '--interval', '100ms', '--json']);
  const lines = await until(
    () => child.lines,
    (seen) => seen.length >= 3,
  );
  for (const line of lines.slice(0, 3)) expect(topForm.parse(JSON.parse(line)).queues[0]!.name).toBe(queue.name);
  expect(Number(await redis().hget(`{${queue.key}}:meta`, 'watched'))).toBeGreaterThan(0);
  expect(await child.kill('SIGINT')).toBe(0);
  expect(child.stderr).toBe('');
  expect(child.stdout).not.toContain('\x1b');
});

it.each([
  [['top', 'a b'], 1, /hotqueue: invalid queue name "a b"/],
  [['top', '--interval', 'often'], 2, /invalid duration "often"/],
  [['top', '-n', 'many', '--once'], 2, /whole number from 0 to 1000/],
  [['top', '--once', '--prefix', aName()], 3, /no queue yet/],
  [['top', '--url', 'redis://127.0.0.1:1'], 1, /no Redis answers at redis:\/\/127\.0\.0\.1:1/],
])('%j exits with %i and an error message', { timeout: patient }, async (args, code, sentence) => {
  const ended = await hotqueue(args);
  expect(ended.stderr).toMatch(sentence);
  expect(ended).toMatchObject({ code, stdout: '' });
});
