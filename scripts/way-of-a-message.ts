import { createRequire } from 'node:module';
import { Session, type Profiler } from 'node:inspector';
import { setImmediate as nextTurn } from 'node:timers/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { Redis } from 'ioredis';
import type * as Library from '../src/index.js';
import { realProgram, startRedis } from '../test/support/servers.js';

/** The parts of the way, in order: the call of `put`, then until the handler starts, then until Redis has answered the ack. */
export type Part = 'put' | 'take' | 'ack';

export interface Way {
  /** What one message runs. */
  readonly message: readonly Call[];
  /** The same, and what the worker runs to wait for the next message while Redis answers the ack. */
  readonly withWait: readonly Call[];
}

/** How often one message runs one function of src. */
export interface Call {
  readonly part: Part;
  /** Path in src, such as `consumer/attempt.ts`. */
  readonly file: string;
  readonly name: string;
  readonly times: number;
}

const warmUp = 50;
const measured = 15;

/**
 * Counts the calls of functions of src for one message on an idle queue: a payload class, one worker, publisher and worker in
 * one process, on a real Redis, after 50 messages. V8 counts the calls; an async function that goes on after `await` counts
 * again. The counts are medians of 15 messages, because timers of the process run as well.
 *
 * While Redis answers the ack, the worker already waits for the next message. What it runs for that is measured alone, by
 * ending its wait without a message, and subtracted.
 *
 * @param root folder of a checkout with `src/` and `node_modules/`
 */
export async function wayOfAMessage(root: string): Promise<Way> {
  const library = (await import(pathToFileURL(path.join(root, 'src/index.ts')).href)) as typeof Library;
  const { IsString, IsInt } = createRequire(path.join(root, 'src/index.ts'))('class-validator') as Record<
    'IsString' | 'IsInt',
    () => PropertyDecorator
  >;
  class Resize {
    path!: string;
    width!: number;
  }
  IsString()(Resize.prototype, 'path');
  IsInt()(Resize.prototype, 'width');

  const server = await startRedis(await realProgram());
  const redis = new Redis(server.url);
  const coverage = new Coverage(path.join(root, 'src'));
  const queue = new library.HotQueue('way', { payload: Resize, url: server.url });
  let onHandler = (): void => {};
  let onAck = (): void => {};
  // The library asks for listeners of 'ack' when Redis has answered. A real listener would add the calls of an event.
  queue.events.listenerCount = (name) => {
    if (name === 'ack') setImmediate(onAck);
    return 0;
  };
  const runner = library.start(queue.worker(() => onHandler()));
  const samples: Call[][] = [];
  const waits: Call[][] = [];
  try {
    for (let n = 0; n < warmUp + measured; n++) {
      await untilIdle(redis);
      const calls: Call[] = [];
      const until = (part: Part): unknown => calls.push(...coverage.take().map((call) => ({ ...call, part })));
      coverage.take();
      const acked = new Promise<void>((resolve) => {
        onHandler = () => void until('take');
        onAck = () => {
          until('ack');
          resolve();
        };
      });
      const stored = queue.put({ path: 'a.jpg', width: 800 });
      until('put');
      await Promise.all([stored, acked]);
      if (n >= warmUp) samples.push(calls);
    }
    for (let n = 0; n < measured; n++) {
      await untilIdle(redis);
      coverage.take();
      await endWait(redis);
      await untilIdle(redis);
      waits.push(coverage.take().map((call) => ({ ...call, part: 'ack' })));
    }
  } finally {
    await runner.stop();
    await queue.close();
    coverage.stop();
    redis.disconnect();
    await server.stop();
  }
  const withWait = medians(samples);
  return { message: without(withWait, medians(waits)), withWait };
}

/** Resolves when the worker waits for a message: its connection is the only blocked one. */
async function untilIdle(redis: Redis): Promise<void> {
  while (!/^blocked_clients:1\r?$/m.test(await redis.info('clients'))) await nextTurn();
}

/** Ends the wait of the worker as if no message had come for 5 s. */
async function endWait(redis: Redis): Promise<void> {
  const blocked = /^id=(\d+) .* flags=b/m.exec((await redis.client('LIST')) as string);
  await redis.client('UNBLOCK', Number(blocked![1]), 'TIMEOUT');
}

/** Counts of function calls in one folder, by V8. */
class Coverage {
  readonly #session = new Session();

  constructor(private readonly folder: string) {
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
  }

  /** The calls since the last `take`. */
  take(): Omit<Call, 'part'>[] {
    let found: Profiler.ScriptCoverage[] = [];
    this.#session.post('Profiler.takePreciseCoverage', (_error, { result }) => (found = result)); // calls back at once
    const base = `${pathToFileURL(this.folder).href}/`;
    return found
      .filter(({ url }) => url.startsWith(base))
      .flatMap(({ url, functions }) =>
        functions.map(({ functionName, ranges: [whole] }) => ({
          file: url.slice(base.length).replace(/\?.*$/, ''),
          name: functionName || `(anonymous, at ${whole!.startOffset})`,
          times: whole!.count,
        })),
      )
      .filter(({ times }) => times > 0);
  }

  stop(): void {
    this.#session.disconnect();
  }
}

/** The calls that are left when those of `others` are subtracted. */
function without(calls: readonly Call[], others: readonly Call[]): Call[] {
  const isSame = (one: Call, other: Call): boolean =>
    one.part === other.part && one.file === other.file && one.name === other.name;
  return calls
    .map((call) => ({ ...call, times: call.times - (others.find((other) => isSame(call, other))?.times ?? 0) }))
    .filter(({ times }) => times > 0);
}

/** For each function and part, the median of its calls; functions that most messages do not run are left out. */
function medians(samples: readonly (readonly Call[])[]): Call[] {
  const key = ({ part, file, name }: Call): string => [part, file, name].join(' ');
  const all = new Map<string, { call: Call; times: number[] }>();
  for (const [n, calls] of samples.entries())
    for (const call of calls) {
      const entry = all.get(key(call)) ?? { call, times: samples.map(() => 0) };
      entry.times[n]! += call.times;
      all.set(key(call), entry);
    }
  return [...all.values()]
    .map(({ call, times }) => ({ ...call, times: times.sort((a, b) => a - b)[Math.floor(times.length / 2)]! }))
    .filter(({ times }) => times > 0);
}
