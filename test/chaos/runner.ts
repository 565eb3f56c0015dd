import { appendFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { report, type Verdict } from './checker.js';
import { waitsFor } from './patience.js';
import type { Scenario } from './scenario.js';
import { blockingScenarios } from './scenarios/blocking.js';
import { connectionScenarios } from './scenarios/connections.js';
import { exitScenarios } from './scenarios/exits.js';
import { failoverScenarios } from './scenarios/failover.js';
import { flowScenarios } from './scenarios/flows.js';
import { historyScenarios } from './scenarios/kept-history.js';
import { jobScenarios } from './scenarios/jobs.js';
import { lateScenarios } from './scenarios/late.js';
import { lossScenarios } from './scenarios/losses.js';
import { messageScenarios } from './scenarios/messages.js';
import { poisonScenarios } from './scenarios/poison.js';
import { processScenarios } from './scenarios/processes.js';
import { refusalScenarios } from './scenarios/refusals.js';
import { rivalScenarios } from './scenarios/rivals.js';
import { scheduleScenarios } from './scenarios/schedules.js';
import { serverScenarios } from './scenarios/server.js';
import { simulationScenarios } from './scenarios/simulation.js';
import { userScenarios } from './scenarios/users.js';
import { World } from './world.js';

const scenarios: readonly Scenario[] = [
  ...blockingScenarios,
  ...exitScenarios,
  ...failoverScenarios,
  ...simulationScenarios,
  ...connectionScenarios,
  ...serverScenarios,
  ...lossScenarios,
  ...messageScenarios,
  ...poisonScenarios,
  ...processScenarios,
  ...refusalScenarios,
  ...rivalScenarios,
  ...scheduleScenarios,
  ...historyScenarios,
  ...jobScenarios,
  ...flowScenarios,
  ...lateScenarios,
  ...userScenarios,
].sort((a, b) => (a.id < b.id ? -1 : 1));

// The parent process may be killed without a signal to this one. Then this process ends too, with all that it started.
const startedBy = process.ppid;
setInterval(() => process.ppid !== startedBy && process.exit(1), 1_000).unref();

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    long: { type: 'boolean' },
    seed: { type: 'string' },
    list: { type: 'boolean' },
    ids: { type: 'boolean' },
    keep: { type: 'boolean' },
    json: { type: 'string' },
  },
});
const isLong = values.long === true;
if (isLong) process.env.CHAOS_LONG = '1'; // the processes of a scenario wait longer too
const seed = Number(values.seed ?? Date.now() % 1_000_000);

let skipped = 0;
if (values.list) {
  for (const { id, name } of scenarios) say(`${id.padEnd(5)} ${name}`);
} else {
  const chosen = chosenOf(positionals);
  if (values.ids) {
    for (const { id } of chosen) say(id);
  } else {
    let broken = 0;
    for (const scenario of chosen) broken += (await play(scenario)).ok ? 0 : 1;
    const ran = skipped === 0 ? '' : ` (${skipped} of them skipped)`;
    say(
      broken === 0
        ? `all ${chosen.length} passed${ran}, seed ${seed}`
        : `${broken} of ${chosen.length} FAILED, seed ${seed}`,
    );
    process.exit(broken === 0 ? 0 : 1);
  }
}

function chosenOf(ids: readonly string[]): readonly Scenario[] {
  return ids.length === 0
    ? scenarios
    : ids.map((id) => scenarios.find((one) => one.id.toLowerCase() === id.toLowerCase()) ?? refuse(id));
}

async function play(scenario: Scenario): Promise<Verdict> {
  const beganAt = performance.now();
  const world = await World.open(seed, isLong, scenario.durability, scenario.redisSettings);
  const replay = `npm run chaos -- ${scenario.id} --seed ${seed}${isLong ? ' --long' : ''}`;
  const limitMs = (scenario.withinMs ?? { short: 90_000, long: 300_000 })[isLong ? 'long' : 'short'];
  let isKept = false;
  try {
    const timer = new AbortController();
    await Promise.race([
      scenario
        .run(world)
        .catch((error: unknown) =>
          world.claim(
            `the scenario runs without an error: ${error instanceof Error ? error.stack : String(error)}`,
            false,
          ),
        ),
      pause(limitMs, undefined, { signal: timer.signal }).then(() =>
        world.claim(`the scenario ends within ${limitMs} ms (it waits for: ${waitsFor()})`, false),
      ),
    ]);
    timer.abort();
    if (world.skipped !== undefined) {
      isKept = true;
      skipped += 1;
      say(`${scenario.id.padEnd(5)} ${scenario.name}\n      SKIPPED: ${world.skipped}`);
      return { ok: true, counters: {}, violations: [] };
    }
    const verdict = await inTime(world.verdict());
    isKept = verdict.ok;
    const took = ((performance.now() - beganAt) / 1_000).toFixed(1);
    say(`${scenario.id.padEnd(5)} ${scenario.name} (${took} s)\n      ${report(verdict, replay)}`);
    if (!verdict.ok && world.output() !== '') say(`      output of the processes: ${world.output().slice(-1_500)}`);
    if (!verdict.ok && values.keep) say(`      histories: ${world.place}`);
    if (values.json)
      appendFileSync(
        values.json,
        `${JSON.stringify({ id: scenario.id, name: scenario.name, seed, isLong, took, ok: verdict.ok, counters: verdict.counters, replay, broken: verdict.violations.slice(0, 3).map(({ rule, text }) => `${rule}: ${text}`) })}\n`,
      );
    return verdict;
  } finally {
    await world.close(!isKept && values.keep === true);
  }
}

/** Resolves with a failed verdict after 60 s, so that a library that hangs does not hang its tests. */
async function inTime(verdict: Promise<Verdict>): Promise<Verdict> {
  const timer = new AbortController();
  const late = pause(60_000, undefined, { signal: timer.signal }).then((): Verdict => ({
    ok: false,
    counters: {},
    violations: [{ rule: 'hung', text: 'workers and queues did not close within 60 s', trace: [] }],
  }));
  const first = await Promise.race([verdict, late]);
  timer.abort();
  late.catch(() => undefined);
  return first;
}

function refuse(id: string): never {
  throw new Error(`unknown scenario "${id}": use one of --list`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
