/**
 * Two languages on one queue: TypeScript puts temperatures, Python's HotQueue takes and converts them, TypeScript validates
 * the answers. One answer is invalid, and is buried here with the reason. The others arrive.
 *
 *     node --import @oxc-node/core/register examples/two-languages/two-languages.ts
 *
 * It starts convert.py with python3, or with the program in PYTHON. With --no-python, start convert.py in another terminal.
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

// Bare JSON: by default, a message has a header line, which Python cannot read as JSON.
const questions = new HotQueue('celsius', { payload: Celsius, wire: 'plain' });
// Python puts bare JSON, which every queue accepts.
const answers = new HotQueue('fahrenheit', { payload: Fahrenheit, logger: false });

/** The address of the Redis that `new HotQueue` has found or started. Python needs it. */
async function address(): Promise<string> {
  if (process.env.REDIS_URL) return process.env.REDIS_URL;
  // In a project of your own: npx hotqueue redis status --json
  const cli = path.join(import.meta.dirname, '../../src/cli/main.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...process.execArgv,
    cli,
    'redis',
    'status',
    '--json',
  ]);
  return (JSON.parse(stdout) as { url: string }).url;
}

/** Runs convert.py until `over` aborts. @returns a signal that aborts when convert.py has ended, because no more answers come then */
function startPython(url: string, over: AbortSignal): AbortSignal {
  const ended = new AbortController();
  const python = process.env.PYTHON ?? 'python3';
  const child = spawn(python, [path.join(import.meta.dirname, 'convert.py')], {
    stdio: 'inherit',
    env: { ...process.env, REDIS_URL: url },
  });
  child.once('error', (error) => {
    console.error(`cannot start ${python} (${error.message}): install python3, or set PYTHON to its path`);
    ended.abort();
  });
  child.once('exit', () => ended.abort());
  over.addEventListener('abort', () => child.kill('SIGINT')); // like Ctrl-C: Python raises KeyboardInterrupt
  return ended.signal;
}

await questions.put(
  { place: 'Oslo', celsius: 5 },
  { place: 'Nowhere', celsius: -300 },
  { place: 'Quito', celsius: 15.5 },
  { place: 'Perth', celsius: 32 },
);

const over = new AbortController();
const silence = process.argv.includes('--no-python') ? undefined : startPython(await address(), over.signal);
let arrived = 0;
for await (const { place, fahrenheit } of answers.consume({ limit: 3, ...(silence && { signal: silence }) })) {
  console.log(`${place}: ${fahrenheit} °F`);
  arrived += 1;
}
for (const { text, error } of await answers.dead.list()) console.log(`buried ${text}: ${error?.message}`);
await answers.dead.dropAll(); // so that the next run shows only its own dead letters
over.abort();
process.exitCode = arrived === 3 ? 0 : 1;
