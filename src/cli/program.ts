import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { withExamples } from './command.js';

type CommandLoader = () => Promise<Command>;

/** Every command by its name, in the order of `--help`. Each has a file of its own, so that a command loads no other. */
const loaders: Readonly<Record<string, CommandLoader>> = {
  init: async () => (await import('./init.js')).initCommand(),
  put: async () => (await import('./put.js')).putCommand(),
  get: async () => (await import('./take.js')).getCommand(),
  consume: async () => (await import('./take.js')).consumeCommand(),
  peek: async () => (await import('./peek.js')).peekCommand(),
  size: async () => (await import('./control.js')).sizeCommand(),
  clear: async () => (await import('./control.js')).clearCommand(),
  pause: async () => (await import('./control.js')).pauseCommand(),
  resume: async () => (await import('./control.js')).resumeCommand(),
  queues: async () => (await import('./queues.js')).queuesCommand(),
  ping: async () => (await import('./ping.js')).pingCommand(),
  info: async () => (await import('./info.js')).infoCommand(),
  metrics: async () => (await import('./metrics.js')).metricsCommand(),
  top: async () => (await import('./top.js')).topCommand(),
  dashboard: async () => (await import('./dashboard/dashboard.js')).dashboardCommand(),
  worker: async () => (await import('./worker.js')).workerCommand(),
  workers: async () => (await import('./workers.js')).workersCommand(),
  result: async () => (await import('./jobs/result.js')).resultCommand(),
  job: async () => (await import('./jobs/job.js')).jobCommand(),
  jobs: async () => (await import('./jobs/jobs.js')).jobsCommand(),
  delayed: async () => (await import('./delayed.js')).delayedCommand(),
  schedule: async () => (await import('./schedules/schedule.js')).scheduleCommand(),
  scheduler: async () => (await import('./schedules/scheduler.js')).schedulerCommand(),
  flow: async () => (await import('./flow.js')).flowCommand(),
  dead: async () => (await import('./dead/dead.js')).deadCommand(),
  history: async () => (await import('./history.js')).historyCommand(),
  doctor: async () => (await import('./doctor/doctor.js')).doctorCommand(),
  redis: async () => (await import('./redis-server.js')).redisServerCommand(),
  repl: async () => (await import('./repl.js')).replCommand(),
  learn: async () => (await import('./learn.js')).learnCommand(),
  completion: async () => (await import('./completion/completion.js')).completionCommand(),
};

/** Only the completion scripts call it. */
const hidden: Readonly<Record<string, CommandLoader>> = {
  __complete: async () => (await import('./completion/complete.js')).completeCommand(),
};

/** `completion` prints a script with all commands. */
const needsAll = 'completion';

/** The whole command line. `--help`, the shell completion and docs/cli use this definition. */
export async function hotqueueProgram(): Promise<Command> {
  return programOf(Object.keys(loaders));
}

/**
 * The part of the command line that these words need: one command if the first word is its name, none for `--version`, else
 * all.
 */
export async function programFor([first = '']: readonly string[]): Promise<Command> {
  if (first === '--version' || first === '-V') return programOf([]);
  const isOne = first !== needsAll && (Object.hasOwn(loaders, first) || Object.hasOwn(hidden, first));
  return isOne ? programOf([first]) : hotqueueProgram();
}

async function programOf(names: readonly string[]): Promise<Command> {
  const program = withExamples(
    new Command('hotqueue').description('Command line of hotqueue: typed workers on Redis lists.').version(version()),
    [
      ['put emails \'{"to":"ada@example.com"}\'', 'put one message'],
      ['worker src/workers.ts', 'handle messages until Ctrl-C'],
      ['top', 'watch queues and workers'],
    ],
  );
  for (const name of names) {
    const isHidden = Object.hasOwn(hidden, name);
    program.addCommand(await (isHidden ? hidden : loaders)[name]!(), { hidden: isHidden });
  }
  return program;
}

function version(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}
