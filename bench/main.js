// npm run bench: measures all systems in all workloads, in turn, each in a separate process, on one private Redis.
import { stderr, stdout } from 'node:process';
import { machine } from './machine.js';
import { readOptions, usage } from './options.js';
import { plan } from './plan.js';
import { Servers } from './servers.js';
import { startTask } from './processes.js';
import { summarize } from './summary.js';
import { before } from './systems/index.js';
import { findPythons } from './systems/python.js';
import { markdown } from './table.js';
import { readRaw, writeRaw, writeTables } from './results.js';

const pythons = await findPythons();
const { options, planned } = asked();
if (options.help || options.list) {
  stdout.write(options.help ? usage : planned.map(({ name, title }) => `${name.padEnd(24)} ${title}\n`).join(''));
  process.exit(0);
}

const servers = await Servers.start();
const startedAt = new Date();
const results = options.continue ? await readRaw(options.continue) : [];
const done = new Set(results.map(({ workload }) => workload));
let files = [];
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130)); // children and servers notice it and end

try {
  for (const workload of planned.filter(({ name }) => !done.has(name))) {
    await everyRoundOf(workload);
    files = await writeRaw(await aboutIt()); // now, so that a later failure loses no measurement
  }
} finally {
  await servers.stop();
}
const run = await aboutIt();
const table = markdown(summarize(results), run);
files.push(...(await writeTables(run, table)));
stdout.write(`\n${table}\n${files.map((file) => `written: ${file}\n`).join('')}`);

const broken = results.filter(
  ({ system, error, lost, duplicates }) => (error || lost || duplicates) && (system === 'hotqueue' || error),
);
for (const { workload, system, error, lost, duplicates } of broken)
  stderr.write(`${workload}, ${system}: ${error ?? `${lost} lost, ${duplicates} duplicates`}\n`);
// The run fails if hotqueue failed, lost or duplicated a job. With --smoke, it also fails if a peer failed.
if (broken.some(({ system }) => options.smoke || system === 'hotqueue')) process.exitCode = 1;

async function aboutIt() {
  return {
    startedAt,
    minutes: (Date.now() - startedAt) / 60_000,
    options,
    machine: await machine(servers.program, pythons),
    results,
  };
}

async function everyRoundOf(workload) {
  const server = await servers.get(workload.server);
  const proxy = workload.delayMs
    ? startTask('proxy', { address: server.address, delayMs: workload.delayMs }, 3_600_000)
    : undefined;
  const address = proxy ? { host: '127.0.0.1', port: await proxy.hear() } : server.address;
  for (let round = 0; round < workload.rounds; round += 1) {
    // Reverses the order in each round: no system is always the first.
    const order = round % 2 === 0 ? workload.systems : [...workload.systems].reverse();
    for (const system of order)
      results.push({ workload: workload.name, system, round, ...(await one(workload, system, address, server)) });
  }
  if (proxy) {
    proxy.kill();
    await proxy.result.catch(() => undefined);
  }
}

async function one(workload, system, address, server) {
  await servers.empty(server);
  const env = system === before ? { HOTQUEUE_BENCH_DIST: options.against } : {};
  const task = startTask(
    'measure',
    { workload: workload.name, system, address, direct: server.address, params: workload.paramsFor(system) },
    workload.timeoutMs,
    env,
  );
  const startedAt = performance.now();
  const result = await task.result.catch((error) => ({ error: error.message.split('\n').slice(0, 4).join(' | ') }));
  const seconds = (performance.now() - startedAt) / 1_000;
  stderr.write(
    `${workload.name.padEnd(24)} ${system.padEnd(16)} ${brief(result).padEnd(34)} ${seconds.toFixed(1)} s\n`,
  );
  return { ...result, wallSeconds: seconds };
}

function brief({
  error,
  perSecond,
  p50Ms,
  p99Ms,
  bytesBeyond,
  commandsPerMinute,
  validationUs,
  medianTimes,
  leastTimes,
  timesIdeal,
  putClientUsPerJob,
  clientUsPerJob,
  redisUsPerJob,
}) {
  if (error) return `failed: ${error}`;
  if (timesIdeal !== undefined) return `${timesIdeal.toFixed(2)} × ideal`;
  if (perSecond !== undefined) return `${Math.round(perSecond).toLocaleString('en')} jobs/s`;
  if (putClientUsPerJob !== undefined)
    return `${clientUsPerJob.toFixed(2)} µs in the client, ${redisUsPerJob.toFixed(2)} in Redis`;
  if (p50Ms !== undefined) return `p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms`;
  if (bytesBeyond !== undefined) return `${bytesBeyond.toFixed(0)} bytes without the payload`;
  if (commandsPerMinute !== undefined) return `${commandsPerMinute.toFixed(0)} commands per minute`;
  if (medianTimes !== undefined)
    return `${medianTimes.toFixed(1)} × class-validator in the median, ${leastTimes.toFixed(1)} × at least`;
  return `${validationUs.toFixed(2)} µs`;
}

/** The options and planned workloads. Prints usage errors and exits. */
function asked() {
  try {
    const read = readOptions(process.argv.slice(2));
    return { options: read, planned: plan(read, pythons) };
  } catch (error) {
    stderr.write(`${error.message}\n\n${usage}`);
    return process.exit(2);
  }
}
