import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { until } from '../support/facts.js';
import { redis } from '../support/queue.js';
import { forget, Program } from './program.js';

/** The first of these that runs `code`; the one on the PATH is not always the one that Debian's packages are for. */
function pythonThat(code: string): string | undefined {
  return ['python3', '/usr/bin/python3'].find((python) => {
    try {
      execFileSync(python, ['-c', code], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  });
}

const python = pythonThat('');
const pythonWithRedis = pythonThat('import redis');

let home: string;
beforeEach(async () => {
  await forget('celsius', 'fahrenheit');
  home = mkdtempSync(path.join(tmpdir(), 'python-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const program = (env: NodeJS.ProcessEnv, ...args: string[]) => new Program('two-languages/two-languages.ts', args, { PYTHONDONTWRITEBYTECODE: '1', ...env });
const arrived = ['Oslo: 41 °F', 'Quito: 59.9 °F', 'Perth: 89.6 °F'];
const buried = /^buried \{"place": "Nowhere", "fahrenheit": null\}: not a valid Fahrenheit: fahrenheit: must be a number/;

/** What Python has written stands as it wrote it, spaces and all, and nothing is left over. */
async function expectAllConverted(conversion: Program): Promise<void> {
  expect(await conversion.ended(), conversion.stderr).toBe(0);
  expect(conversion.lines).toEqual([...arrived, expect.stringMatching(buried)]);
  expect(await redis().llen('hotqueue:celsius')).toBe(0);
  expect(await redis().llen('hotqueue:fahrenheit')).toBe(0);
  expect(await redis().zcard('{hotqueue:fahrenheit}:dead')).toBe(0);
}

it.runIf(pythonWithRedis)(`by Python with its redis package${pythonWithRedis ? '' : ': SKIPPED, no python3 here has one (apt-get install python3-redis)'}`, async () => {
  const conversion = program({ PYTHON: pythonWithRedis });
  await expectAllConverted(conversion);
  expect(conversion.stderr).toBe('');
});

it.runIf(python)(`by Python without any package, over a plain socket${python ? '' : ': SKIPPED, there is no python3 here'}`, async () => {
  writeFileSync(path.join(home, 'redis.py'), 'raise ImportError("hidden, so that it is not here")');
  const conversion = program({ PYTHON: python, PYTHONPATH: home });
  await expectAllConverted(conversion);
  expect(conversion.stderr).toBe('python: the package redis is not here, so the few commands needed go over a plain socket\n');
});

it("by the commands that Python's HotQueue sends, from a client that is none", async () => {
  const conversion = program({}, '--no-python');
  await until(async () => (await redis().llen('hotqueue:celsius')) === 4);
  // Byte for byte what json.loads is given there, and what json.dumps makes of the answers.
  const asked: string[] = [];
  for (let left = 4; left > 0; left--) asked.push((await redis().blpop('hotqueue:celsius', 1))![1]);
  expect(asked).toEqual(['{"place":"Oslo","celsius":5}', '{"place":"Nowhere","celsius":-300}', '{"place":"Quito","celsius":15.5}', '{"place":"Perth","celsius":32}']);
  await redis().rpush('hotqueue:fahrenheit', '{"place": "Oslo", "fahrenheit": 41.0}');
  await redis().rpush('hotqueue:fahrenheit', '{"place": "Nowhere", "fahrenheit": null}');
  await redis().rpush('hotqueue:fahrenheit', '{"place": "Quito", "fahrenheit": 59.9}', '{"place": "Perth", "fahrenheit": 89.6}');
  await expectAllConverted(conversion);
});

it('where there is no Python it says so, and ends', async () => {
  const conversion = program({ PYTHON: path.join(home, 'python3') });
  expect(await conversion.ended()).toBe(1);
  expect(conversion.stderr).toContain('install python3, or say in PYTHON which one to use');
  expect(await redis().llen('hotqueue:celsius')).toBe(4); // waiting for whoever comes
});
