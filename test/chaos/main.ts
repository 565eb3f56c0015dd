/**
 * Injects faults and checks the guarantees:
 *
 *     npm run chaos                      every scenario, in the short form
 *     npm run chaos -- --long            every scenario, in the long form
 *     npm run chaos -- F04 F18 --seed 7  the named scenarios, with the seed of an earlier run
 *     npm run chaos -- --at-once 3       three scenarios at a time, each with its own servers (they mostly wait)
 *     npm run chaos -- --list            lists the scenarios
 */
import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { realProgram } from '../support/servers.js';
import { stage } from './stage.js';

const staged = stage();
const running = new Set<ChildProcess>();
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => running.forEach((runner) => runner.kill(signal)));
try {
  const { places, rest } = placesIn(process.argv.slice(2));
  process.exitCode = places === 1 ? (await play(rest, 'inherit')).code : await playAtOnce(places, rest);
} finally {
  staged.close();
}

/** Takes `--at-once <n>` out of the arguments. */
function placesIn(args: readonly string[]): { places: number; rest: string[] } {
  const at = args.indexOf('--at-once');
  if (at < 0) return { places: 1, rest: [...args] };
  return {
    places: Math.max(1, Number(args[at + 1]) || 1),
    rest: args.filter((_, index) => index !== at && index !== at + 1),
  };
}

function play(args: readonly string[], out: 'inherit' | 'pipe'): Promise<{ code: number; said: string }> {
  const runner = spawn(
    process.execPath,
    ['--enable-source-maps', path.join(staged.folder, 'test/chaos/runner.js'), ...args],
    { stdio: ['ignore', out, 'inherit'] },
  );
  running.add(runner);
  let said = '';
  runner.stdout?.setEncoding('utf8').on('data', (text: string) => (said += text));
  return new Promise((resolve) =>
    runner.once('close', (code) => {
      running.delete(runner);
      resolve({ code: code ?? 1, said });
    }),
  );
}

/** Plays each scenario in its own process, `places` at a time, all with one seed. @returns the exit code */
async function playAtOnce(places: number, args: readonly string[]): Promise<number> {
  const ids = (await play([...args, '--ids'], 'pipe')).said.split('\n').filter((id) => id !== '');
  await realProgram(); // if Redis must be installed, do it once, before the processes start
  const others = args.filter((arg) => !ids.some((id) => id.toLowerCase() === arg.toLowerCase()));
  const seed = others.includes('--seed') ? [] : ['--seed', String(Date.now() % 1_000_000)];
  const waiting = [...ids];
  let broken = 0;
  const work = async (): Promise<void> => {
    for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
      const { code, said } = await play([id, ...others, ...seed], 'pipe');
      if (code !== 0) broken += 1;
      process.stdout.write(code === 0 ? said.replace(/^all 1 passed.*\n/m, '') : said);
    }
  };
  await Promise.all(Array.from({ length: places }, work));
  process.stdout.write(
    broken === 0 && ids.length > 0 ? `all ${ids.length} passed\n` : `${broken} of ${ids.length} FAILED\n`,
  );
  return broken === 0 && ids.length > 0 ? 0 : 1;
}
