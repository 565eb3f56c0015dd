import { Command } from 'commander';
import { missing, redisCommand, withExamples, withQueue, withTextQueue, type RedisFlags } from '../command.js';
import { count, jsonLine, print, printable, say } from '../output.js';
import { untilInterrupted } from '../printed.js';
import { cancelJobs, retryJobs } from './change-jobs.js';

/** `job show|cancel|retry|log`: one tracked job. */
export function jobCommand(): Command {
  const job = withExamples(
    new Command('job').description(
      'Show, cancel and retry one tracked job, and print the lines that its handler has logged.',
    ),
    [
      ['job show pages 0199f2…', 'everything that is known of it'],
      ['job log pages 0199f2… --follow', 'its log lines until it ends'],
    ],
  );
  for (const command of [showCommand(), cancelCommand(), retryCommand(), logCommand()]) job.addCommand(command);
  return job;
}

const noRecord = (queue: string, id: string): void =>
  missing(
    `queue "${queue}" has no record of job ${JSON.stringify(id)}: it has expired, the id is wrong, or the message was not tracked`,
  );

function showCommand(): Command {
  return redisCommand(
    'show',
    'Show one job: its status, times, attempts, result or error, payload and log. Exits with 3 if there is no record of it.',
    [['job show pages 0199f2…', '"put --track" prints the id, "jobs" lists them']],
  )
    .argument('<queue>')
    .argument('<id>')
    .action((queue: string, id: string, flags: RedisFlags) =>
      withTextQueue(queue, flags, async (it) => {
        const record = await it.job(id).fetch();
        if (!record) return noRecord(queue, id);
        const { recordAsJson, recordAsText } = await import('./record.js');
        print(flags.json ? recordAsJson(record) : recordAsText(record, Date.now()));
      }),
    );
}

function cancelCommand(): Command {
  return redisCommand(
    'cancel',
    'Cancel jobs. A waiting one never runs, the signal of a running one aborts. Exits with 1 if one has ended already, with 3 if there is no record of one.',
    [['job cancel pages 0199f2…', 'also several ids']],
  )
    .argument('<queue>')
    .argument('<id...>')
    .action((queue: string, ids: string[], flags: RedisFlags) =>
      withQueue(queue, flags, (it) => cancelJobs(it, ids, flags)),
    );
}

function retryCommand(): Command {
  return redisCommand(
    'retry',
    'Put failed and expired jobs back into the queue: their attempts start at 1 again. Exits with 1 if one has another status, with 3 if there is no record of one.',
    [['job retry pages 0199f2…', '"jobs pages --status failed" lists them']],
  )
    .argument('<queue>')
    .argument('<id...>')
    .action((queue: string, ids: string[], flags: RedisFlags) =>
      withQueue(queue, flags, (it) => retryJobs(it, ids, flags)),
    );
}

type LogFlags = RedisFlags & { readonly follow?: boolean };

function logCommand(): Command {
  return redisCommand(
    'log',
    'Print the lines that the handler of a job has logged, at most the last 100. Exits with 3 if there is no record of it.',
    [
      ['job log pages 0199f2…', 'the lines so far'],
      ['job log pages 0199f2… --follow', 'also later lines, until the job ends'],
    ],
  )
    .argument('<queue>')
    .argument('<id>')
    .option('-f, --follow', 'also print later lines, until the job ends or Ctrl-C')
    .action((queue: string, id: string, flags: LogFlags) =>
      withQueue(queue, flags, async (it) => {
        const job = it.job(id);
        const record = await job.fetch();
        if (!record) return noRecord(queue, id);
        const printLine = (line: string): void =>
          print(flags.json ? jsonLine({ queue, id, log: line }) : printable(line));
        const dropped = record.lines - record.log.length;
        if (dropped > 0) say(`${count(dropped, 'earlier line')} of job ${id} not kept`);
        if (flags.follow) return untilInterrupted((signal) => follow(job, signal, printLine));
        record.log.forEach(printLine);
        if (record.log.length === 0) say(`job ${id} is ${record.status}, and has logged nothing`);
      }),
    );
}

/** Prints each line of a job until it has ended. */
async function follow(
  job: { watch(options: { signal: AbortSignal }): AsyncIterable<object> },
  signal: AbortSignal,
  printLine: (line: string) => void,
): Promise<void> {
  try {
    for await (const step of job.watch({ signal })) if ('log' in step) printLine(String(step.log));
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
