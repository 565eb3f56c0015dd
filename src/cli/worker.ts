import path from 'node:path';
import { Command, Option } from 'commander';
import { InvalidOptionError } from 'hotqueue';
import { namedAddress, type Endpoint } from '../redis/named-address.js';
import { durationMs, exitCodes, redisOptions, wholeFrom, withExamples, type RedisFlags } from './command.js';
import { exitSoon } from './exit.js';
import { assertFile } from './worker/load.js';
import { logIn, type Log } from './worker/log.js';
import {
  bytes,
  endingSignals,
  names,
  type EndingSignal,
  type LogForm,
  type WorkerSettings,
} from './worker/settings.js';
import { WorkerProcess } from './worker/worker-process.js';
import { Supervisor } from './worker/supervisor.js';
import { watchSources } from './worker/watch.js';

interface WorkerFlags extends Omit<RedisFlags, 'prefix'> {
  readonly class?: readonly string[];
  readonly queue?: readonly string[];
  readonly order?: 'strict' | 'fair';
  readonly concurrency?: number;
  readonly processes?: number;
  readonly burst?: boolean;
  readonly maxJobs?: number;
  /** In ms. */
  readonly maxIdle?: number;
  readonly maxMemory?: number;
  readonly name?: string;
  readonly watch?: boolean;
  /** In ms. */
  readonly shutdownTimeout?: number;
  readonly log?: LogForm;
}

/** `hotqueue worker <files…>` */
export function workerCommand(): Command {
  const command = withExamples(
    new Command('worker').description(
      'Run the workers that the files export or pass to run(), until SIGTERM or Ctrl-C.',
    ),
    [
      ['worker src/workers.ts', 'all workers in the file'],
      ['worker src/*.ts --queue urgent,mail --concurrency 8', 'two queues, "urgent" first, eight messages at once'],
      [
        'worker dist/workers.js --processes 4 --max-memory 512mb',
        'in production: four processes, replaced when they die or grow',
      ],
      ['worker src/workers.ts --burst', 'handle all messages, then exit'],
      ['worker src/workers.ts --watch', 'during development'],
    ],
  )
    .argument('<files...>', 'modules: JavaScript, or TypeScript with decorators if @oxc-node/core is installed')
    .option('--class <names>', 'only these classes, separated by commas', names)
    .option('-q, --queue <names>', 'only these queues, separated by commas, in this order', names)
    .addOption(
      new Option(
        '--order <order>',
        'how queues share the concurrency slots: in order (strict) or in turn (fair)',
      ).choices(['strict', 'fair']),
    )
    .option(
      '-c, --concurrency <number>',
      'most messages at once in a process (default: as the workers declare)',
      wholeFrom(1, 10_000),
    )
    .option('--processes <number>', 'number of processes; a process that dies is restarted', wholeFrom(1, 256))
    .option('--burst', 'exit when no message is waiting, due, or active in any process')
    .option(
      '--max-jobs <number>',
      'exit after this number of messages; with --processes, a new process replaces it',
      wholeFrom(1),
    )
    .option('--max-idle <duration>', 'exit when there was no message for this time', durationMs)
    .option(
      '--max-memory <size>',
      'exit when the process uses more, such as 512mb; with --processes, a new process replaces it',
      bytes,
    )
    .option('--name <name>', 'name in the log and in "hotqueue workers ls" (default: HOTQUEUE_NAME)')
    .option('--watch', 'restart when a source file in the folders of the files changes')
    .option(
      '--shutdown-timeout <duration>',
      'on stop: how long active messages may take to finish (default: 25s)',
      durationMs,
    )
    .addOption(
      new Option(
        '--log <form>',
        'form of the log, one line for each attempt (default: pretty on a terminal, else json)',
      ).choices(['json', 'pretty', 'none']),
    )
    .option('--json', 'the same as --log json');
  // No --prefix: the user's files create the queues, and set the prefix there.
  for (const option of redisOptions().filter(({ long }) => long !== '--prefix')) command.addOption(option);
  return command
    .addHelpText(
      'after',
      '\nThe Redis options apply to queues that are created without an address.\nExits with 0 if it was stopped or reached a limit, 1 if it could not start or was forced to stop, 2 for a wrong option.',
    )
    .action(work);
}

async function work(files: readonly string[], flags: WorkerFlags): Promise<void> {
  files.forEach(assertFile);
  const settings = settingsOf(files, flags);
  const url = urlOf(flags);
  if (url !== undefined) process.env['REDIS_URL'] = url;
  if (flags.name !== undefined) process.env['HOTQUEUE_NAME'] = flags.name;
  const log = logIn(settings.log);
  try {
    const isSupervised = flags.processes !== undefined || flags.watch === true;
    exitSoon(await (isSupervised ? supervised(settings, flags, log) : alone(settings, log)));
  } catch (error) {
    exitSoon(exitCodes.failed); // connections that the files opened would keep the process alive
    throw error;
  }
}

/** Runs the workers in this process. */
async function alone(settings: WorkerSettings, log: Log): Promise<number> {
  const workerProcess = new WorkerProcess(settings, log);
  let isStopping = false;
  onSignals((signal) => {
    if (isStopping) workerProcess.force();
    else workerProcess.stop(signal);
    isStopping = true;
  });
  await workerProcess.work();
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
  return written(named.place);
}

function written({ path: socket, host = '', port, db, username = '', password = '', tls }: Endpoint): string {
  const auth =
    username === '' && password === '' ? '' : `${encodeURIComponent(username)}:${encodeURIComponent(password)}@`;
  if (socket !== undefined) return `unix://${auth}${socket}${db === undefined ? '' : `?db=${db}`}`;
  return `${tls === undefined ? 'redis' : 'rediss'}://${auth}${host.includes(':') ? `[${host}]` : host}:${port}/${db ?? ''}`;
}
