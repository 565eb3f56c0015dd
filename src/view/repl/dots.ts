import type { Evaluation } from './evaluation.js';
import { HotQueue, HotQueueError, type QueueOptions } from 'hotqueue';
import { inspect, stripVTControlCharacters } from 'node:util';
import { age, cut, harmless, hasColour, paint, table, widthOf } from '../cli/output.js';
import { queueNames } from '../queues.js';
import { countsLine } from './shown.js';

/** What a dot command has to work with. */
export interface Bench {
  /** Where the queues are. */
  readonly address: QueueOptions;
  /** The queue that is meant when none is named. */
  readonly queue: string;
  /** Prints a line. */
  readonly print: (text: string) => void;
  /** While it runs: Ctrl-C aborts its signal. */
  readonly evaluation: Pick<Evaluation, 'signal'>;
}

export interface Dot {
  /** Behind the dot, as `.help` shows it. */
  readonly usage: string;
  readonly help: string;
  /** Whether its first word is a queue, to be completed. */
  readonly takesQueue: boolean;
  readonly run: (words: readonly string[], bench: Bench) => Promise<void>;
}

const columns = ['queue', 'waiting', 'running', 'delayed', 'dead', 'workers'];
const watchedEveryMs = 200;

export const dots: Readonly<Record<string, Dot>> = {
  queues: {
    usage: 'queues',
    help: 'all queues, and what is in them',
    takesQueue: false,
    run: async (_words, { address, print }) => {
      const names = await queueNames(address);
      if (names.length === 0) return print('there is no queue yet: put something, such as q.put("hello")');
      const rows = await Promise.all(names.map((name) => asked(name, address, async (queue) => [name, ...rowOf(await queue.counts())])));
      print(table(columns, rows));
    },
  },
  peek: {
    usage: 'peek [queue] [n]',
    help: 'the next messages, left where they are; 3 of them, or n',
    takesQueue: true,
    run: async (words, { address, queue: own, print }) => {
      const [name, most] = nameAndNumber(words, own, 3);
      const jobs = await asked(name, address, (queue) => queue.peek(most));
      if (jobs.length === 0) return print(`nothing waits in ${name}`);
      for (const [index, { payload, putAt }] of jobs.entries()) {
        print(`${paint('dim', `${index + 1}.`)} ${oneLine(payload)}  ${paint('dim', `put ${ago(putAt)}`)}`);
      }
    },
  },
  watch: {
    usage: 'watch [queue]',
    help: 'a line whenever something changes, until Ctrl-C',
    takesQueue: true,
    run: async ([name], { address, queue: own, print, evaluation: { signal } }) => {
      await asked(name ?? own, address, async (queue) => {
        print(paint('dim', `watching ${queue.name}; Ctrl-C ends it`));
        for (let last = ''; !signal.aborted; ) {
          const counts = await queue.counts();
          const line = `${countsLine(counts)}, ${counts.workers} at work`;
          if (line !== last && !signal.aborted) print(`${paint('dim', new Date().toLocaleTimeString('en-GB'))}  ${line}`);
          last = line;
          await later(watchedEveryMs, signal);
        }
      });
    },
  },
  dead: {
    usage: 'dead [queue] [n]',
    help: 'what was given up, and why; the newest 10, or n',
    takesQueue: true,
    run: async (words, { address, queue: own, print }) => {
      const [name, most] = nameAndNumber(words, own, 10);
      const letters = await asked(name, address, (queue) => queue.dead.list({ limit: most }));
      if (letters.length === 0) return print(`${name} has no dead letters`);
      print(table(['key', 'buried', 'why', 'message'], letters.map(({ key, buriedAt, reason, error, text }) => [key, ago(buriedAt), harmless(why(reason, error)), cut(harmless(text), 60)])));
      print(paint('dim', 'q.dead.revive(key) makes one a message again, q.dead.drop(key) forgets it'));
    },
  },
};

/** Does what a dot command says; a failure of ours becomes its sentence. */
export async function runDot(dot: Dot, text: string, bench: Bench): Promise<void> {
  try {
    await dot.run(text.split(/\s+/).filter((word) => word !== ''), bench);
  } catch (error) {
    if (!(error instanceof HotQueueError)) throw error;
    bench.print(`${error.name}: ${error.message}`);
  }
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

const rowOf = ({ waiting, claimed, delayed, dead, workers }: Awaited<ReturnType<HotQueue['counts']>>): string[] => [waiting, claimed, delayed, dead, workers].map(String);
const why = (reason: string, error: { message: string } | undefined): string => (error === undefined ? reason : `${reason}: ${error.message}`);

function ago(at: number): string {
  const text = age(Date.now() - at);
  return text === 'now' ? text : `${text} ago`;
}

function oneLine(payload: unknown): string {
  const text = inspect(payload, { breakLength: Infinity, colors: hasColour() });
  const plain = stripVTControlCharacters(text);
  const room = widthOf() - 20;
  return plain.length > room ? cut(plain, room) : text;
}

function later(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
  });
}
