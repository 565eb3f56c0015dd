import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { until } from '../support/facts.js';
import { redis } from '../support/queue.js';
import { forget, Program } from './program.js';

/** The first of these programs that runs `code`. Packages of Debian are not always for the python3 on the PATH. */
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

const program = (env: NodeJS.ProcessEnv, ...args: string[]) =>
  new Program('two-languages/two-languages.ts', args, { PYTHONDONTWRITEBYTECODE: '1', ...env });
const arrived = ['Oslo: 41 °F', 'Quito: 59.9 °F', 'Perth: 89.6 °F'];
const buried =
  /^buried \{"place": "Nowhere", "fahrenheit": null\}: not a valid Fahrenheit: fahrenheit: must be a number/;

/** Expects all converted temperatures, the bytes of Python in the buried one, and empty queues. */
async function expectAllConverted(conversion: Program): Promise<void> {
  expect(await conversion.ended(), conversion.stderr).toBe(0);
  expect(conversion.lines).toEqual([...arrived, expect.stringMatching(buried)]);
  expect(await redis().llen('hotqueue:celsius')).toBe(0);
  expect(await redis().llen('hotqueue:fahrenheit')).toBe(0);
  expect(await redis().zcard('{hotqueue:fahrenheit}:dead')).toBe(0);
}

it.runIf(pythonWithRedis)(
  `conversion by Python with the package redis${pythonWithRedis ? '' : ': SKIPPED, the package is not installed (apt-get install python3-redis)'}`,
  async () => {
    const conversion = program({ PYTHON: pythonWithRedis });
    await expectAllConverted(conversion);
    expect(conversion.stderr).toBe('');
  },
);

it.runIf(python)(
  `conversion by Python without packages, over a plain socket${python ? '' : ': SKIPPED, python3 is not installed'}`,
  async () => {
    writeFileSync(path.join(home, 'redis.py'), 'raise ImportError("hidden by the test")');
    const conversion = program({ PYTHON: python, PYTHONPATH: home });
    await expectAllConverted(conversion);
    expect(conversion.stderr).toBe(
      'python: the package redis is not installed, so the commands go over a plain socket\n',
    );
  },
);

it("conversion by a plain client that sends the commands of Python's HotQueue", async () => {
  const conversion = program({}, '--no-python');
  await until(async () => (await redis().llen('hotqueue:celsius')) === 4);
  // The exact input of json.loads in Python, and the exact output of json.dumps for the answers.
  const asked: string[] = [];
  for (let left = 4; left > 0; left--) asked.push((await redis().blpop('hotqueue:celsius', 1))![1]);
  expect(asked).toEqual([
    '{"place":"Oslo","celsius":5}',
    '{"place":"Nowhere","celsius":-300}',
    '{"place":"Quito","celsius":15.5}',
    '{"place":"Perth","celsius":32}',
  ]);
  await redis().rpush('hotqueue:fahrenheit', '{"place": "Oslo", "fahrenheit": 41.0}');
  await redis().rpush('hotqueue:fahrenheit', '{"place": "Nowhere", "fahrenheit": null}');
  await redis().rpush(
    'hotqueue:fahrenheit',
    '{"place": "Quito", "fahrenheit": 59.9}',
    '{"place": "Perth", "fahrenheit": 89.6}',
  );
  await expectAllConverted(conversion);
});

it('without Python it prints an error and exits with 1', async () => {
  const conversion = program({ PYTHON: path.join(home, 'python3') });
  expect(await conversion.ended()).toBe(1);
  expect(conversion.stderr).toContain('install python3, or set PYTHON to its path');
  expect(await redis().llen('hotqueue:celsius')).toBe(4); // they still wait
});
