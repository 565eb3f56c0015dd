import { hostname } from 'node:os';
import type { Claim } from './claim.js';

/** Most running messages that a report names. */
const mostNamed = 20;

/** Who takes. */
export interface About {
  /** `Studio.resize`; of a loop that consumes, `consume()`. */
  readonly name: string;
  /** A `consumer` is a loop of somebody's own: it cannot be asked for anything. */
  readonly kind: 'handler' | 'consumer';
  readonly concurrency: number;
  readonly status: 'working' | 'quiet' | 'stopping';
}

export const aConsumer: About = { name: 'consume()', kind: 'consumer', concurrency: 1, status: 'working' };

/** What a worker has done since it joined: attempts that ended well, and attempts that did not. */
export interface Tally {
  handled: number;
  failed: number;
}

/** What a worker says of itself, as every process can read it; Unix ms. */
export interface Report extends About {
  readonly host: string;
  readonly pid: number;
  /** What this process was called: `hotqueue worker --name`, or `HOTQUEUE_NAME`. */
  readonly process: string;
  /** Of the process. */
  readonly startedAt: number;
  readonly claimed: number;
  /** Id, number of the attempt, and since when it runs; the first 20. */
  readonly running: readonly (readonly [id: string, attempt: number, since: number])[];
}

const host = hostname();
const startedAt = Math.round(performance.timeOrigin);

/** One line: two counts, which scripts read, and the rest, which they do not. */
export function reportOf(about: About, { handled, failed }: Tally, claims: Iterable<Claim>): string {
  const { name, kind, concurrency, status } = about;
  const running: [string, number, number][] = [];
  let claimed = 0;
  const sinceWhen = (monotonicMs: number): number => Math.round(Date.now() - performance.now() + monotonicMs);
  for (const claim of claims) {
    claimed += 1;
    if (claim.beganAt !== undefined && running.length < mostNamed) running.push([claim.id, claim.attempt, sinceWhen(claim.beganAt)]);
  }
  const report: Report = { name, kind, concurrency, status, host, pid: process.pid, process: process.env['HOTQUEUE_NAME'] ?? '', startedAt, claimed, running };
  return `${handled} ${failed} ${JSON.stringify(report)}`;
}
