import path from 'node:path';
import { Command, Option } from 'commander';
import { InvalidOptionError } from 'hotqueue';
import { toMs, type Duration } from '../../contract/durations.js';
import { namedAddress, type Place } from '../../redis/named-address.js';
import { duration, exitCodes, redisOptions, wholeFrom, withExamples, type RedisFlags } from './command.js';
import { leave } from './worker/leave.js';
import { assertFile } from './worker/load.js';
import { logIn, type Log } from './worker/log.js';
import { bytes, names, type LogForm, type WorkerSettings } from './worker/settings.js';
import { Shift } from './worker/shift.js';
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
  readonly maxIdle?: Duration;
  readonly maxMemory?: number;
  readonly name?: string;
  readonly watch?: boolean;
  readonly deadline?: Duration;
  readonly log?: LogForm;
}

/** `hotqueue worker <files…>` */
export function workerCommand(): Command {
  const command = withExamples(new Command('worker').description('Work on what is put, with the workers that some files export or give to run(), until SIGTERM or Ctrl-C.'), [
    ['worker src/workers.ts', 'every worker in it'],
    ['worker src/*.ts --queue urgent,mail --concurrency 8', 'two queues, the first one first, eight messages at once'],
    ['worker dist/workers.js --processes 4 --max-memory 512mb', 'in production: four processes, replaced when they die or grow'],
    ['worker src/workers.ts --burst', 'what is there, then exit'],
    ['worker src/workers.ts --watch', 'while you write it'],
  ])
    .argument('<files...>', 'modules; TypeScript with decorators too, where @oxc-node/core is installed')
    .option('--class <names>', 'only these classes, with commas between them', names)
    .option('-q, --queue <names>', 'only these queues, in this order', names)
    .addOption(new Option('--order <order>', 'how queues share the places: in order, or in turn').choices(['strict', 'fair']))
    .option('-c, --concurrency <number>', 'messages at once in a process; as the workers were declared when absent', wholeFrom(1, 10_000))
    .option('--processes <number>', 'so many processes, each started again when it dies', wholeFrom(1, 256))
    .option('--burst', 'end when nothing is ready')
    .option('--max-jobs <number>', 'end after so many messages; with --processes another takes its place', wholeFrom(1))
    .option('--max-idle <duration>', 'end when there was nothing to do for so long', duration)
    .option('--max-memory <size>', 'end when it uses more, such as 512mb; with --processes another takes its place', bytes)
    .option('--name <name>', 'what it is called in the log and by "hotqueue workers ls"; HOTQUEUE_NAME when absent')
    .option('--watch', 'start again when a source in the folders of the files changes')
    .option('--deadline <duration>', 'how long running messages may take to finish when it is asked to stop; 25s when absent', duration)
    .addOption(new Option('--log <form>', 'one line for each attempt; pretty on a terminal, else json, when absent').choices(['json', 'pretty', 'none']))
    .option('--json', 'the same as --log json');
  // What a key begins with is said where the queue is made.
  for (const option of redisOptions().filter(({ long }) => long !== '--prefix')) command.addOption(option);
  return command
    .addHelpText('after', '\nThe Redis flags are for queues that name no address of their own.\nEnds with 0 when it was stopped or had reached a limit, 1 when it could not begin or was forced, 2 for a wrong option.')
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
    leave(await (isSupervised ? supervised(settings, flags, log) : alone(settings, log)));
  } catch (error) {
    leave(exitCodes.failed); // what the files opened would keep the process
    throw error;
  }
}

/** In this process. */
async function alone(settings: WorkerSettings, log: Log): Promise<number> {
  const shift = new Shift(settings, log);
  let isAsked = false;
  onSignals((signal) => {
    if (isAsked) shift.force();
    else shift.stop(signal);
    isAsked = true;
  });
  await shift.work();
  return shift.isForced ? exitCodes.failed : exitCodes.done;
}

/** In processes of their own. */
async function supervised(settings: WorkerSettings, { processes = 1, watch = false }: WorkerFlags, log: Log): Promise<number> {
  const supervisor = new Supervisor(settings, { processes, isWatching: watch }, log);
  onSignals((signal) => supervisor.stop(signal));
  const unwatch = watch ? watchSources(settings.files, (file) => supervisor.restart(file)) : () => {};
  try {
    return await supervisor.work();
  } finally {
    unwatch();
  }
}

function onSignals(tell: (signal: 'SIGINT' | 'SIGTERM') => void): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => tell(signal));
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
    ...(flags.maxIdle !== undefined && { maxIdleMs: toMs(flags.maxIdle, '--max-idle') }),
    ...(flags.maxMemory !== undefined && { maxMemoryBytes: flags.maxMemory }),
    ...(flags.deadline !== undefined && { deadlineMs: toMs(flags.deadline, '--deadline') }),
  };
}

/** The queues are made by the user's files, which read `REDIS_URL` themselves. */
function urlOf({ url, host, port, db, password }: WorkerFlags): string | undefined {
  if ([url, host, port, db, password].every((given) => given === undefined)) return undefined;
  const named = namedAddress({ url, host, port, db, password }, process.env);
  if (!named) throw new InvalidOptionError('db', '--db: it does not say of which Redis: give --url or --host as well');
  return written(named.place);
}

function written({ path: socket, host = '', port, db, username = '', password = '', tls }: Place): string {
  const auth = username === '' && password === '' ? '' : `${encodeURIComponent(username)}:${encodeURIComponent(password)}@`;
  if (socket !== undefined) return `unix://${auth}${socket}${db === undefined ? '' : `?db=${db}`}`;
  return `${tls === undefined ? 'redis' : 'rediss'}://${auth}${host.includes(':') ? `[${host}]` : host}:${port}/${db ?? ''}`;
}
