/**
 * Breaks the library on purpose, one rule at a time, in a copy. Each mutation must make a scenario fail.
 *
 *     npm run chaos:mutants              all mutations
 *     npm run chaos:mutants -- ack-first the named mutations
 */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { type Mutant, mutants } from './mutations/index.js';
import { stage } from './stage.js';

const names = process.argv.slice(2);
const unknown = names.filter((one) => !mutants.some(({ name }) => name === one));
if (unknown.length > 0) {
  say(`unknown mutation ${unknown.join(', ')}: use names in test/chaos/mutations/`);
  process.exit(2);
}
const chosen = names.length === 0 ? mutants : mutants.filter(({ name }) => names.includes(name));
const staged = stage();
const sound = new Map<string, boolean>();
let survivors = 0;
try {
  for (const mutant of chosen) survivors += hunt(mutant) ? 0 : 1;
} finally {
  staged.close();
}
say(
  survivors === 0
    ? `all ${chosen.length} mutations were detected`
    : `${survivors} of ${chosen.length} mutations were NOT detected`,
);
process.exitCode = survivors === 0 ? 0 : 1;

/** @returns whether a scenario that passes on the unchanged sources fails with the mutation */
function hunt(mutant: Mutant): boolean {
  for (const hunter of mutant.hunters) {
    if (!sound.has(hunter)) sound.set(hunter, play(hunter) === undefined);
    if (!sound.get(hunter)) say(`FAILED   ${hunter} fails without any mutation, so it cannot detect one`);
  }
  const undo: (() => void)[] = [];
  try {
    for (const change of [mutant, ...(mutant.and ?? [])]) undo.push(staged.change(change));
  } catch (error) {
    for (const one of undo) one();
    say(`STALE    ${mutant.name}: ${String(error)}`);
    return false;
  }
  try {
    for (const hunter of mutant.hunters) {
      const witness = sound.get(hunter) ? play(hunter) : undefined;
      if (witness === undefined) continue;
      say(`detected ${mutant.name.padEnd(34)} by ${hunter.padEnd(5)} ${witness.slice(0, 110)}`);
      return true;
    }
    say(`SURVIVED ${mutant.name.padEnd(34)} (${mutant.breaks}) in ${mutant.hunters.join(', ')}`);
    return false;
  } finally {
    for (const one of undo) one();
  }
}

/** @returns the first violation, or `undefined` if the scenario passes */
function play(scenario: string): string | undefined {
  const args = [path.join(staged.folder, 'test/chaos/runner.js'), scenario, '--seed', '1'];
  const { status, stdout } = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    timeout: 200_000,
    env: { ...process.env, CHAOS_MUTANT: '1' },
  });
  const violation = stdout.split('\n').find((line) => /^ {2}\w[\w ]*: /.test(line));
  // Without a violation the sources with the mutation do not run at all, so it shows nothing.
  if (status !== 0 && violation === undefined)
    say(`BROKEN   ${scenario} ends with exit code ${status} and no violation`);
  return violation?.trim();
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
