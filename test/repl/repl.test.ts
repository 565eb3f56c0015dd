import { expect, it } from 'vitest';
import { until } from '../support/facts.js';
import { aQueue } from '../support/queue.js';
import { keys } from '../support/terminal.js';
import { aPrompt, enter } from './prompt.js';

it('Ctrl-C stops a loop over consume(), prints that, and loses no message', async () => {
  const queue = aQueue();
  const screen = await aPrompt(['repl', queue.name]);
  await queue.put('one', 'two');
  await enter(
    screen,
    'for await (const item of q.consume()) { console.log("got", item); if (item === "two") await sleep("1h") }',
    /got one\ngot two$/,
  );
  await until(
    () => queue.counts(),
    ({ waiting, active }) => waiting === 0 && active === 1,
  );
  screen.type(keys.ctrlC);
  await screen.shows(/\^C\nstopped 1 consumer\nhotqueue>$/);
  expect(await queue.counts()).toMatchObject({ waiting: 1, active: 0, workers: 0 });

  // No consumer is left that would take the next message.
  await queue.put('three');
  await enter(screen, 'q', `HotQueue<${queue.name}> 2 waiting, 0 active`);
  await enter(
    screen,
    'for await (const item of q.consume({ limit: 2 })) console.log("then", item)',
    /then two\nthen three\nhotqueue>$/,
  );
});

it('Ctrl-C stops every consumer: a loop in the background, and a loop that starts another one when it ends', async () => {
  const queue = aQueue();
  const screen = await aPrompt(['repl', queue.name]);
  await enter(
    screen,
    'void (async () => { for await (const item of q.consume()) console.log("ghost", item) })()',
    /hotqueue>$/,
  );
  screen.enter('while (true) for await (const item of q.consume()) console.log("got", item)');
  await until(
    () => queue.counts(),
    ({ workers }) => workers === 2,
  );
  screen.type(keys.ctrlC);
  await screen.shows(/stopped 2 consumers\nhotqueue>$/);
  await until(
    () => queue.counts(),
    ({ workers }) => workers === 0,
  );
  await queue.put('safe');
  await enter(screen, 'q.size()', /^1\nhotqueue>$/m);
  expect(screen.history).not.toMatch(/^(?:ghost|got)/m);

  screen.enter('while (true) console.log("got", await q.get({ block: true }))');
  await screen.shows('got safe');
  screen.type(keys.ctrlC);
  await screen.shows(/got safe\n\^C\nstopped 1 consumer\nhotqueue>$/);
  await queue.put('safe too');
  await enter(screen, 'q.size()', /^1\nhotqueue>$/m);
});

it('Ctrl-C stops workers; a second Ctrl-C releases the messages of handlers that still run', async () => {
  const queue = aQueue();
  const screen = await aPrompt(['repl', queue.name]);
  await enter(
    screen,
    'const doWork = q.worker(async (item) => { console.log("works on", item); await new Promise(() => {}) })',
    /hotqueue>$/,
  );
  await queue.put('long');
  await enter(screen, 'doWork()', 'works on long');
  screen.type(keys.ctrlC);
  await screen.shows('stopping; press Ctrl-C again to give active messages back now');
  screen.type(keys.ctrlC);
  await screen.shows(/stopped 1 worker\nhotqueue>$/);
  expect(await queue.counts()).toMatchObject({ waiting: 1, active: 0, workers: 0 });
});

it('Ctrl-C ends an endless loop, and clears an unfinished line', async () => {
  const screen = await aPrompt(['repl', aQueue().name]);
  await enter(screen, 'while (true) console.log("in")', /\nin\nin\n/);
  screen.type(keys.ctrlC);
  await screen.shows(/hotqueue>$/);
  screen.type('1 + ');
  screen.type(keys.ctrlC);
  await enter(screen, '40 + 2', /^42$/m);
});

it('runs TypeScript: decorated classes, types, imports, await, over several lines, and repeated declarations', async () => {
  const queue = aQueue();
  const screen = await aPrompt(['repl', queue.name]);
  screen.enter("import { IsEmail } from 'class-validator'");
  screen.enter('interface Address { to: string }');
  screen.enter('class Email implements Address {\n  @IsString() to!: string;\n}');
  screen.enter('class Email implements Address {\n  @IsEmail() to!: string;\n}');
  screen.enter(`const emails = new HotQueue('${queue.name}', { payload: Email })`);
  screen.enter("await emails.put({ to: 'ada@example.com' })");
  await enter(
    screen,
    "emails.put({ to: 'ada' })",
    'Uncaught InvalidPayloadError: not a valid Email: to: must be an email',
  );
  screen.enter(
    'class Mailer {\n  @worker(q)\n  async send(email: Email): Promise<void> { console.log("sends to", email.to, email instanceof Email) }\n}',
  );
  await enter(screen, 'const runner = start(new Mailer())', 'sends to ada@example.com true');
  await enter(screen, 'await runner.stop()', /hotqueue>$/);
  await enter(screen, 'const n: number = await q.size(); n + 1', /^1$/m);
  await enter(screen, '{ a: 1 }', /\{ a: 1 \}/);
});

it('completes names of queues and methods, and keeps its history for the next start', async () => {
  const queue = aQueue();
  await queue.put('x');
  const home = { HOTQUEUE_REPL_HISTORY: `/tmp/hqh-${process.pid}-${Date.now()}` };
  const screen = await aPrompt(['repl', 'queue'], home);
  screen.type(`new HotQueue('${queue.name.slice(0, -4)}${keys.tab}`);
  await screen.shows(`new HotQueue('${queue.name}`);
  screen.type("').name\n");
  await screen.shows(`'${queue.name}'\nhotqueue>`);
  screen.type('q.isPau\t');
  await screen.shows('q.isPaused');
  screen.type('()\n');
  await screen.shows(/isPaused\(\)\nfalse$/m);
  screen.type(`.peek ${queue.name.slice(0, -4)}\t`);
  await screen.shows(`.peek ${queue.name}`);
  screen.type('\n');
  await screen.shows(/1\. 'x'/);
  screen.enter('.exit');
  expect(await screen.ended).toBe(0);

  const again = await aPrompt(['repl', 'queue'], home);
  again.type(keys.up + keys.up);
  await again.shows(`hotqueue> .peek ${queue.name}`);
});

it('.queues, .peek, .dead and .watch show queues and messages; .watch runs until Ctrl-C', async () => {
  const queue = aQueue();
  await queue.put({ n: 1 }, { evil: '\u001b[2J' });
  const screen = await aPrompt(['repl', queue.name]);
  await enter(screen, '.queues', new RegExp(`^${queue.name} +2 +0 +0 +0 +0$`, 'm'));
  await enter(screen, '.peek', /1\. \{ n: 1 \} {2}put .*\n2\. \{ evil: '\\x1B\[2J' \}/);
  await enter(screen, '.dead', 'has no dead letters');
  await enter(screen, '.watch', /\d\d:\d\d:\d\d {2}2 waiting, 0 active, workers: 0/);
  await queue.put('third');
  await screen.shows('3 waiting, 0 active');
  screen.type(keys.ctrlC);
  await screen.shows(/active, workers: 0\n\^C\nhotqueue>$/);
  for await (const delivery of queue.deliveries({ limit: 1 })) await delivery.bury('wrong address');
  await enter(screen, '.dead', /wrong address +\{"n":1\}/);
  await enter(screen, '.peek no{name', /InvalidNameError: invalid queue name "no\{name"/);
  await enter(screen, '.help', /Available names: q, HotQueue, worker/);
});

it('prints the output of a background worker above the unfinished input line', async () => {
  const queue = aQueue();
  const screen = await aPrompt(['repl', queue.name]);
  await enter(screen, 'const runner = start(q.worker((item) => console.log("saw", item)))', /hotqueue>$/);
  screen.type('half a li');
  await screen.shows('hotqueue> half a li');
  await queue.put('me');
  await screen.shows(/saw me\nhotqueue> half a li$/);
  screen.type('\u0015"whole"\n');
  await screen.shows(/'whole'\nhotqueue>$/);
});

it('releases all messages when its terminal is closed', async () => {
  const queue = aQueue();
  const screen = await aPrompt(['repl', queue.name]);
  await queue.put('one');
  await enter(
    screen,
    'for await (const item of q.consume()) { console.log("has", item); await sleep("1h") }',
    'has one',
  );
  await screen.kill('SIGHUP');
  expect(await queue.counts()).toMatchObject({ waiting: 1, active: 0, workers: 0 });
});

it('ends with an error message if the configured Redis does not answer', async () => {
  const { aTerminal, hotqueueWords } = await import('../support/terminal.js');
  const screen = await aTerminal(hotqueueWords('repl', '--url', 'redis://127.0.0.1:1'), { cols: 200 });
  await screen.shows(/^hotqueue: no Redis answers at redis:\/\/127\.0\.0\.1:1/m);
  expect(await screen.ended).toBe(1);
});

it('prints warnings above the line that is being typed, and keeps that line', async () => {
  const queue = aQueue();
  const screen = await aPrompt(['repl', queue.name]);
  await enter(
    screen,
    'void start(new HotQueue(q.name).worker(() => { throw new Error("no") }, { attempts: 1 }))',
    /hotqueue>$/,
  );
  screen.type('const half = 1 +');
  await screen.shows(/const half = 1 \+$/);
  await queue.put('one');
  await screen.shows(/^hotqueue: message [^]*was buried[^]*\nhotqueue> const half = 1 \+$/m);
  expect(screen.history).not.toMatch(/half = 1 \+hotqueue:/);
  screen.type(' 1; half\n');
  await screen.shows(/\n2\nhotqueue>$/);
});
