import type { Evaluation } from './evaluation.js';
import { HotQueue, HotQueueError, type ErrorRecord, type JobRecord, type JobStatus, type QueueOptions } from 'hotqueue';
import { inspect, stripVTControlCharacters } from 'node:util';
import { columnsOf, cutTo } from '../cli/text-width.js';
import { errorLine } from '../cli/facts.js';
import { ago, hasColour, paint, safe, widthOf } from '../cli/output.js';
import { outcomeText } from '../cli/jobs/record.js';
import { table } from '../cli/table.js';
import { jobStatuses } from '../core/job.js';
import { sleep } from '../core/timer.js';
import { queueNames } from '../inspect/queues.js';
import { countsLine } from './writer.js';

/** What a dot command can use. */
export interface DotContext {
  /** Address of the Redis. */
  readonly address: QueueOptions;
  /** Name of the queue if the command names none. */
  readonly queue: string;
  /** Prints a line. */
  readonly print: (text: string) => void;
  /** The running command: Ctrl-C aborts its signal. */
  readonly evaluation: Pick<Evaluation, 'signal'>;
}

export interface DotCommand {
  /** Name and arguments, without the dot, as `.help` shows them. */
  readonly usage: string;
  readonly help: string;
  /** True if its first argument is a queue name that Tab can complete. */
  readonly takesQueue: boolean;
  readonly run: (words: readonly string[], context: DotContext) => Promise<void>;
}

const columns = ['queue', 'waiting', 'active', 'delayed', 'dead', 'workers'];
const watchedEveryMs = 200;

export const dotCommands: Readonly<Record<string, DotCommand>> = {
  queues: {
    usage: 'queues',
    help: 'lists all queues and their counts',
    takesQueue: false,
    run: async (_words, { address, print }) => {
      const names = await queueNames(address);
      if (names.length === 0) return print('no queue yet: put a message, for example q.put("hello")');
      const rows = await Promise.all(
        names.map((name) => asked(name, address, async (queue) => [name, ...rowOf(await queue.counts())])),
      );
      print(table(columns, rows));
    },
  },
  peek: {
    usage: 'peek [queue] [n]',
    help: 'shows the next 3 (or n) messages, and leaves them in the queue',
    takesQueue: true,
    run: async (words, { address, queue: own, print }) => {
      const [name, most] = nameAndNumber(words, own, 3);
      const jobs = await asked(name, address, (queue) => queue.peek(most));
      if (jobs.length === 0) return print(`${name} has no waiting message`);
      for (const [index, { payload, putAt }] of jobs.entries()) {
        const put = putAt === undefined ? '' : `  ${paint('dim', `put ${ago(putAt, Date.now())}`)}`;
        print(`${paint('dim', `${index + 1}.`)} ${oneLine(payload)}${put}`);
      }
    },
  },
  watch: {
    usage: 'watch [queue]',
    help: 'prints a line for each change of the counts, until Ctrl-C',
    takesQueue: true,
    run: async ([name], { address, queue: own, print, evaluation: { signal } }) => {
      await asked(name ?? own, address, async (queue) => {
        print(paint('dim', `watching ${queue.name}; Ctrl-C stops`));
        for (let last = ''; !signal.aborted;) {
          const counts = await queue.counts();
          const line = `${countsLine(counts)}, workers: ${counts.workers}`;
          if (line !== last && !signal.aborted)
            print(`${paint('dim', new Date().toLocaleTimeString('en-GB'))}  ${line}`);
          last = line;
          await sleep(watchedEveryMs, signal);
        }
      });
    },
  },
  jobs: {
    usage: 'jobs [queue] [status]',
    help: 'lists the newest 10 tracked jobs, or those with this status',
    takesQueue: true,
    run: async (words, { address, queue: own, print }) => {
      const status = jobStatuses.find((one) => words.includes(one));
      const name = words.find((word) => word !== status) ?? own;
      const jobs = await asked(name, address, (queue) => newestJobs(queue, status));
      if (jobs.length === 0)
        return print(
          status === undefined
            ? `${name} has no tracked job: put one with q.with({ track: true }).put(…)`
            : `${name} has no job that is ${status}`,
        );
      print(
        table(
          ['id', 'status', 'put', 'outcome', 'message'],
          jobs.map((job) => [job.id, job.status, ago(job.putAt, Date.now()), outcomeText(job), payloadText(job)]),
        ),
      );
      print(paint('dim', 'await q.job(id).result() waits for one, await q.job(id).fetch() shows it'));
    },
  },
  dead: {
    usage: 'dead [queue] [n]',
    help: 'lists the newest 10 (or n) dead letters and their reasons',
    takesQueue: true,
    run: async (words, { address, queue: own, print }) => {
      const [name, most] = nameAndNumber(words, own, 10);
      const letters = await asked(name, address, (queue) => queue.dead.list({ limit: most }));
      if (letters.length === 0) return print(`${name} has no dead letters`);
      print(
        table(
          ['key', 'buried', 'reason', 'message'],
          letters.map(({ key, buriedAt, reason, error, text }) => [
            key,
            ago(buriedAt, Date.now()),
            why(reason, error),
            text,
          ]),
        ),
      );
      print(paint('dim', 'q.dead.revive(key) puts one back into the queue, q.dead.drop(key) deletes it'));
    },
  },
};

/** Runs a dot command. Prints an error of this library as one sentence; throws any other error. */
export async function runDotCommand(dot: DotCommand, text: string, context: DotContext): Promise<void> {
  try {
    await dot.run(
      text.split(/\s+/).filter((word) => word !== ''),
      context,
    );
  } catch (error) {
    if (!(error instanceof HotQueueError)) throw error;
    context.print(safe(`${error.name}: ${error.message}`));
  }
}

/** The newest 10 jobs. */
async function newestJobs(queue: HotQueue, status: JobStatus | undefined): Promise<JobRecord[]> {
  const statuses = status === undefined ? jobStatuses : [status];
  const pages = await Promise.all(statuses.map((one) => queue.jobs.list({ status: one, limit: 10 })));
  return pages
    .flatMap(({ jobs }) => jobs)
    .sort((one, other) => other.putAt - one.putAt)
    .slice(0, 10);
}

async function asked<R>(name: string, address: QueueOptions, ask: (queue: HotQueue) => Promise<R>): Promise<R> {
  const queue = new HotQueue(name, { ...address, logger: false });
  try {
    return await ask(queue);
  } finally {
    await queue.close();
  }
}

function nameAndNumber(words: readonly string[], own: string, usual: number): [string, number] {
  const number = words.find((word) => /^\d+$/.test(word) && Number(word) > 0);
  return [words.find((word) => word !== number) ?? own, number === undefined ? usual : Number(number)];
}

const rowOf = ({ waiting, active, delayed, dead, workers }: Awaited<ReturnType<HotQueue['counts']>>): string[] =>
  [waiting, active, delayed, dead, workers].map(String);
const why = (reason: string, error: ErrorRecord | undefined): string =>
  error === undefined ? reason : `${reason}: ${errorLine(error)}`;

const payloadText = ({ payload }: JobRecord): string =>
  payload === undefined ? '-' : inspect(payload, { breakLength: Infinity, compact: true });

function oneLine(payload: unknown): string {
  const text = inspect(payload, { breakLength: Infinity, colors: hasColour() });
  const room = widthOf() - 20;
  return safe(columnsOf(text) > room ? cutTo(stripVTControlCharacters(text), room) : text);
}
