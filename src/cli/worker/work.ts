import path from 'node:path';
import { InvalidOptionError } from 'hotqueue';
import { namedAddress, type Endpoint } from '../../redis/named-address.js';
import { exitCodes, type RedisFlags } from '../command.js';
import { exitSoon } from '../exit.js';
import { assertFile } from './load.js';
import { logIn, type Log } from './log.js';
import { endingSignals, type EndingSignal, type LogForm, type WorkerSettings } from './settings.js';
import type { HealthAddress } from './health-address.js';
import { assertMayServe } from './may-serve.js';
import { HealthServer } from './health-server.js';
import { SystemdUnit } from './systemd.js';
import { Supervisor } from './supervisor.js';
import { watchSources } from './watch.js';
import { WorkerProcess } from './worker-process.js';

/** Options of `hotqueue worker`. */
export interface WorkerFlags extends Omit<RedisFlags, 'prefix'> {
  readonly class?: readonly string[];
  readonly queue?: readonly string[];
  readonly order?: 'strict' | 'fair';
  readonly concurrency?: number;
  readonly processes?: number;
  readonly burst?: boolean;
  readonly waitForRedis?: boolean;
  readonly maxJobs?: number;
  /** In ms. */
  readonly maxIdle?: number;
  readonly maxMemory?: number;
  readonly health?: HealthAddress;
  readonly healthPublic?: boolean;
  readonly name?: string;
  readonly watch?: boolean;
  /** In ms. */
  readonly shutdownTimeout?: number;
  readonly log?: LogForm;
}

/** Runs the workers of these files until they are stopped. */
export async function work(files: readonly string[], flags: WorkerFlags): Promise<void> {
  files.forEach(assertFile);
  const settings = settingsOf(files, flags);
  if (flags.health) assertMayServe(flags.health, flags);
  const url = urlOf(flags);
  if (url !== undefined) process.env['REDIS_URL'] = url;
  if (flags.name !== undefined) process.env['HOTQUEUE_NAME'] = flags.name;
  const log = logIn(settings.log);
  try {
    const isSupervised = flags.processes !== undefined || flags.watch === true;
    exitSoon(await (isSupervised ? supervised(settings, flags, log) : alone(settings, log, flags.health)));
  } catch (error) {
    exitSoon(exitCodes.failed); // connections that the files opened would keep the process alive
    throw error;
  }
}

/** Runs the workers in this process. */
async function alone(settings: WorkerSettings, log: Log, health: HealthAddress | undefined): Promise<number> {
  const unit = new SystemdUnit(log, () => workerProcess.health?.isLive !== false);
  const workerProcess: WorkerProcess = new WorkerProcess(settings, log, () => unit.ready());
  const server = health && (await HealthServer.listen(health, workerProcess, log));
  let isStopping = false;
  onSignals((signal) => {
    if (isStopping) workerProcess.force();
    else workerProcess.stop(signal);
    if (!isStopping) unit.stopping();
    isStopping = true;
  });
  try {
    await workerProcess.work();
  } finally {
    unit.end();
    await server?.close();
  }
  return workerProcess.isForced ? exitCodes.failed : exitCodes.done;
}

/** Runs the workers in child processes. */
async function supervised(
  settings: WorkerSettings,
  { processes = 1, watch = false }: WorkerFlags,
  log: Log,
): Promise<number> {
  const supervisor = new Supervisor(settings, { processes, isWatching: watch }, log);
  onSignals((signal) => supervisor.stop(signal));
  const unwatch = watch ? await watchSources(settings.files, (file) => supervisor.restart(file)) : undefined;
  try {
    return await supervisor.work();
  } finally {
    await unwatch?.();
  }
}

/** The command loads files of the user, which may listen for the others too. Then those do not end the process. */
function onSignals(onSignal: (signal: EndingSignal) => void): void {
  for (const signal of endingSignals)
    process.on(signal, () => {
      const isEnd = signal === 'SIGINT' || signal === 'SIGTERM' || process.listenerCount(signal) === 1;
      if (isEnd) onSignal(signal);
    });
}

function settingsOf(files: readonly string[], flags: WorkerFlags): WorkerSettings {
  const form = flags.log ?? (flags.json === true || !process.stdout.isTTY ? 'json' : 'pretty');
  return {
    files: [...new Set(files.map((file) => path.resolve(file)))],
    isBurst: flags.burst === true,
    waitsForRedis: flags.waitForRedis !== false,
    log: form,
    ...(flags.class && { classes: flags.class }),
    ...(flags.queue && { queues: flags.queue }),
    ...(flags.order && { order: flags.order }),
    ...(flags.concurrency !== undefined && { concurrency: flags.concurrency }),
    ...(flags.maxJobs !== undefined && { maxJobs: flags.maxJobs }),
    ...(flags.maxIdle !== undefined && { maxIdleMs: flags.maxIdle }),
    ...(flags.maxMemory !== undefined && { maxMemoryBytes: flags.maxMemory }),
    ...(flags.shutdownTimeout !== undefined && {
      shutdownTimeoutMs: flags.shutdownTimeout,
    }),
  };
}

/** The address for `REDIS_URL`: the user's files create the queues, and these read `REDIS_URL`. */
function urlOf({ url, host, port, db, password }: WorkerFlags): string | undefined {
  if ([url, host, port, db, password].every((given) => given === undefined)) return undefined;
  const named = namedAddress({ url, host, port, db, password }, process.env);
  if (!named) throw new InvalidOptionError('db', '--db without an address: give --url or --host too');
  return written(named.endpoint);
}

function written({ path: socket, host = '', port, db, username = '', password = '', tls }: Endpoint): string {
  const auth =
    username === '' && password === '' ? '' : `${encodeURIComponent(username)}:${encodeURIComponent(password)}@`;
  if (socket !== undefined) return `unix://${auth}${socket}${db === undefined ? '' : `?db=${db}`}`;
  return `${tls === undefined ? 'redis' : 'rediss'}://${auth}${host.includes(':') ? `[${host}]` : host}:${port}/${db ?? ''}`;
}
