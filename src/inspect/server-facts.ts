import type { QueueOptions } from '../core/options/queue.js';
import type { Connection } from '../redis/connection.js';
import { asking } from './queues.js';

/** What the server reports, and what was measured. */
export interface ServerFacts {
  /** Fields of `INFO`. */
  readonly info: ReadonlyMap<string, string>;
  /** Replies of `CONFIG GET`; `undefined` if the server refuses it, as hosted servers often do. */
  readonly config: ReadonlyMap<string, string> | undefined;
  /** How far its clock is ahead of this machine's clock; negative if it is behind. */
  readonly clockAheadMs: number;
  /** Times of single commands, the fastest first. */
  readonly roundTripsMs: readonly number[];
}

const patience = { withinMs: 5_000 };
const pings = 20;

/** Reads the facts of a server. Changes nothing. */
export function readServer(address: QueueOptions): Promise<ServerFacts> {
  return asking('doctor', address, async ({ connection }) => {
    const info = fieldsOf(await connection.call((client) => client.info(), patience));
    const config = await readConfig(connection);
    const samples: ClockSample[] = [];
    for (let sample = 0; sample < pings; sample++) samples.push(await sampleClock(connection));
    samples.sort((one, other) => one.tookMs - other.tookMs);
    return { info, config, clockAheadMs: samples[0]!.aheadMs, roundTripsMs: samples.map(({ tookMs }) => tookMs) };
  });
}

interface ClockSample {
  readonly tookMs: number;
  readonly aheadMs: number;
}

/** Compares the two clocks once. The fastest of several replies is the most exact, because the server read its clock in that time. */
async function sampleClock(connection: Connection): Promise<ClockSample> {
  const before = performance.now();
  const [seconds, micros] = (await connection.call((client) => client.time(), patience)).map(Number) as [
    number,
    number,
  ];
  const tookMs = performance.now() - before;
  return { tookMs, aheadMs: seconds * 1_000 + micros / 1_000 - (Date.now() - tookMs / 2) };
}

async function readConfig(connection: Connection): Promise<ServerFacts['config']> {
  try {
    const names = ['save', 'appendfsync'];
    const replies = await Promise.all(
      names.map((name) => connection.call((client) => client.call('CONFIG', 'GET', name), patience)),
    );
    const values = replies.map((reply): unknown =>
      Array.isArray(reply) ? reply[1] : Object.values(reply as Record<string, unknown>)[0],
    );
    if (values.some((value) => typeof value !== 'string')) return undefined;
    return new Map(names.map((name, index) => [name, values[index] as string]));
  } catch {
    return undefined;
  }
}

function fieldsOf(info: string): Map<string, string> {
  return new Map(
    info.split(/\r?\n/).flatMap((line) => {
      const at = line.indexOf(':');
      return line.startsWith('#') || at < 0 ? [] : [[line.slice(0, at), line.slice(at + 1)] as const];
    }),
  );
}
