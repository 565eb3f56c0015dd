import { expect, it } from 'vitest';
import { aProject, withRedis } from '../support/project.js';
import { aTerminal, hotqueueWords, keys, type Terminal } from '../support/terminal.js';
import { enter, enterUntil } from '../repl/prompt.js';

/** Two terminals in one folder, on a machine with Node and without a running Redis. */
async function twoTerminals(redis: 'js' | 'native', first: readonly string[]): Promise<[Terminal, Terminal]> {
  const project = aProject();
  const env = { ...(redis === 'native' ? await withRedis(project) : project.env), HOTQUEUE_REDIS: redis };
  const open = (words: readonly string[]): Promise<Terminal> =>
    aTerminal(hotqueueWords(...words), { cols: 110, rows: 100, cwd: project.dir, env });
  const [one, two] = await Promise.all([open(first), open(['repl'])]);
  await Promise.all([one, two].map((screen) => screen.shows(/^hotqueue>$/m)));
  return [one, two];
}

const left = async (screen: Terminal): Promise<void> => {
  screen.type(keys.ctrlD);
  expect(await screen.ended).toBe(0);
};

it.each(['js', 'native'] as const)(
  'the exercises of the lesson run in two prompts, without a running Redis (%s)',
  { timeout: 120_000 },
  async (redis) => {
    const [one, two] = await twoTerminals(redis, ['repl']);

    // Exercise 1, steps 3 to 8.
    one.enter("q = new HotQueue('queue')");
    two.enter("q = new HotQueue('queue')");
    await enter(one, "q.put('red', 'green', 'blue', 'white')", "payload: 'white'");
    await enter(one, 'q.size()', /^4\nhotqueue>$/m);
    await enter(two, 'for await (const item of q.consume()) console.log(item)', /\nred\ngreen\nblue\nwhite$/);
    await enter(one, 'q.size()', /^0\nhotqueue>$/m);
    two.forget();
    await enter(one, "await q.put('black', 'grey')", "payload: 'grey'");
    await two.shows(/\nblack\ngrey$/);
    // The loop acknowledges a message when it asks for the next one, which is after the message is on the screen.
    await enterUntil(one, 'q', 'HotQueue<queue> 0 waiting, 0 active', /\d active\nhotqueue>$/);
    two.type(keys.ctrlC);
    await two.shows(/stopped 1 consumer\nhotqueue>$/);

    // Exercise 3.
    one.enter('const echo = q.worker((item) => { console.log(item) })');
    await enter(one, 'await echo()', /echo\(\)$/);
    await enter(two, "q.put('hello', 'how are you?')", "payload: 'how are you?'");
    await one.shows(/\nhello\nhow are you\?$/);
    one.type(keys.ctrlC);
    await one.shows(/stopped 1 worker\nhotqueue>$/);

    // The same with a decorator.
    one.forget();
    one.enter('class Echo {\n  @q.worker\n  echo(item: string) { console.log("echo:", item) }\n}');
    await enter(one, 'run(new Echo())', /new Echo\(\)\)$/);
    await enter(two, "q.put('once more')", "payload: 'once more'");
    await one.shows('echo: once more');
    one.type(keys.ctrlC);
    await one.shows(/stopped 1 worker\nhotqueue>$/);
    await left(one);
    await left(two);
  },
);

it('the lesson notices what happens in the second terminal, and continues', { timeout: 120_000 }, async () => {
  const [one, two] = await twoTerminals('js', ['learn']);
  await one.shows('1.1 A Redis server is running already');
  await enter(one, '.next', 'not yet: no line in this terminal has shown the queue yet');
  await enter(one, 'q', /✓ that is the queue "queue"[^]*1\.2 Put three or four strings/);
  await enter(one, '.hint', 'put accepts any number of messages');
  await enter(
    one,
    "q.put('one', 'two', 'three')",
    /✓ 3 messages wait in Redis: 'one', 'two', 'three'[^]*1\.3 Check the length/,
  );
  await enter(
    one,
    'q.size()',
    /^3\n[^]*✓ 3: Redis has the same number[^]*1\.4 Consume the messages[^]*onLeave: 'ack'[^]*in the second terminal:/m,
  );
  one.forget();
  await enter(two, 'for await (const item of q.consume()) console.log(item)', /\none\ntwo\nthree$/);
  await one.shows(/✓ the second terminal \(process \d+\) took all messages[^]*1\.5 Back in this terminal/);
  await enter(one, 'q.size()', /✓ 0: consumed messages are not in the queue any more/);
  await enter(one, "q.put('four')", /✓ the second terminal got 'four' at once[^]*1\.7 Stop the loop/);
  one.forget();
  two.type(keys.ctrlC);
  await one.shows(/✓ the loop has stopped[^]*Exercise 2: Three services/);

  await enter(one, '.lesson 3', /3\.1 Write a function echo/);
  await enter(one, 'const echo = q.worker((item) => console.log(item))', '✓ echo is a worker');
  await enter(one, 'echo()', /✓ echo is running[^]*3\.3 Send messages to echo/);
  one.forget();
  two.enter("q.put('hello')");
  await one.shows(/hello\n[^]*✓ echo handled 1 message[^]*3\.4 Stop the worker/);
  one.type(keys.ctrlC);
  await one.shows(/stopped 1 worker[^]*✓ echo has stopped[^]*Exercise 4: Messages with a class/);
  await enter(one, '.lesson', /> 4\. Messages with a class/);

  await enter(one, '.lesson 6', /6\.1 Create a queue that tracks its messages/);
  one.enter("const texts = new HotQueue('texts', { track: true })");
  await enter(
    one,
    "job = await texts.put('the quick brown fox')",
    /Job \{[^]*status: 'waiting'[^]*✓ the prompt shows the status[^]*6\.2 Ask for the status/,
  );
  await enter(one, 'job.status()', /'waiting'[^]*✓ the job is waiting[^]*6\.3 Count the words/);
  one.forget();
  two.enter("const texts = new HotQueue('texts')");
  two.enter("const count = texts.worker((text) => text.split(' ').length)");
  two.enter('count()');
  await one.shows(/✓ the second terminal has handled 1 message[^]*6\.4 Get the result/);
  await enter(one, 'job.result()', /^4\n[^]*✓ 4: the second terminal has counted[^]*6\.5 Stop the worker/m);
  await enter(one, '.jobs texts', /done +.* 4 +'the quick brown fox'/);
  two.type(keys.ctrlC);
  await one.shows(/✓ the worker has stopped[^]*That was the lesson/);
  await enter(one, '.lesson 9', 'there is no exercise 9');
  await left(one);
  await left(two);
});
