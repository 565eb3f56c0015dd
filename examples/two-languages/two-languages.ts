/**
 * Two languages on one queue: TypeScript puts temperatures, Python's HotQueue takes and converts them, TypeScript checks what
 * comes back. One of the answers is not what was agreed upon, and is buried here with the reason; the others arrive.
 *
 *     node --import @oxc-node/core/register examples/two-languages/two-languages.ts
 *
 * It starts convert.py with python3, or with what PYTHON names. With --no-python it leaves that to you, in another terminal.
 */
import { execFile, spawn } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { IsNumber, IsString } from 'class-validator';
import { HotQueue } from 'hotqueue';

class Celsius {
  @IsString() place!: string;
  @IsNumber() celsius!: number;
}

class Fahrenheit {
  @IsString() place!: string;
  @IsNumber() fahrenheit!: number;
}

// Bare JSON: the header line that we put before a message otherwise would be no JSON to Python.
const questions = new HotQueue('celsius', { payload: Celsius, wire: 'plain' });
// What Python puts is bare, and welcome on any queue.
const answers = new HotQueue('fahrenheit', { payload: Fahrenheit, logger: false });

/** Where the Redis is that `new HotQueue` has found or started: Python has to be told. */
async function address(): Promise<string> {
  if (process.env.REDIS_URL) return process.env.REDIS_URL;
  // In a project of your own: npx hotqueue redis status --json
  const cli = path.join(import.meta.dirname, '../../src/view/cli/main.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [...process.execArgv, cli, 'redis', 'status', '--json']);
  return (JSON.parse(stdout) as { url: string }).url;
}

/** Runs convert.py until `over` aborts. @returns aborts when it has ended, as nobody answers any more then */
function startPython(url: string, over: AbortSignal): AbortSignal {
  const ended = new AbortController();
  const python = process.env.PYTHON ?? 'python3';
  const child = spawn(python, [path.join(import.meta.dirname, 'convert.py')], { stdio: 'inherit', env: { ...process.env, REDIS_URL: url } });
  child.once('error', (error) => {
    console.error(`${python} cannot be started (${error.message}): install python3, or say in PYTHON which one to use`);
    ended.abort();
  });
  child.once('exit', () => ended.abort());
  over.addEventListener('abort', () => child.kill('SIGINT')); // Ctrl-C, to Python a KeyboardInterrupt
  return ended.signal;
}

await questions.put({ place: 'Oslo', celsius: 5 }, { place: 'Nowhere', celsius: -300 }, { place: 'Quito', celsius: 15.5 }, { place: 'Perth', celsius: 32 });

const over = new AbortController();
const silence = process.argv.includes('--no-python') ? undefined : startPython(await address(), over.signal);
let arrived = 0;
for await (const { place, fahrenheit } of answers.consume({ limit: 3, ...(silence && { signal: silence }) })) {
  console.log(`${place}: ${fahrenheit} °F`);
  arrived += 1;
}
for (const { text, error } of await answers.dead.list()) console.log(`buried ${text}: ${error?.message}`);
await answers.dead.dropAll(); // looked at: the next run shall show its own
over.abort();
process.exitCode = arrived === 3 ? 0 : 1;
