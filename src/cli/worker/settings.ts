import { InvalidArgumentError } from 'commander';

/** Settings of one worker process. Plain JSON, because a supervised process gets them as an argument. */
export interface WorkerSettings {
  /** Absolute paths. */
  readonly files: readonly string[];
  readonly classes?: readonly string[];
  readonly queues?: readonly string[];
  readonly order?: 'strict' | 'fair';
  readonly concurrency?: number;
  readonly isBurst: boolean;
  readonly waitsForRedis: boolean;
  readonly maxJobs?: number;
  readonly maxIdleMs?: number;
  readonly maxMemoryBytes?: number;
  readonly shutdownTimeoutMs?: number;
  readonly log: LogForm;
}

export type LogForm = 'json' | 'pretty' | 'none';

/** Signals that stop the command; the same as for `run()`. */
export const endingSignals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2'] as const;
export type EndingSignal = (typeof endingSignals)[number];

/** Why a worker process ended normally. */
export type EndReason =
  EndingSignal | 'burst' | 'max-jobs' | 'max-idle' | 'max-memory' | 'restart' | 'orphaned' | 'command';

const units = { b: 1, kb: 2 ** 10, mb: 2 ** 20, gb: 2 ** 30 } as const;

/** Parses `512mb`, `1.5gb`, for commander. */
export function bytes(text: string): number {
  const [, number, unit = 'b'] = /^(\d+(?:\.\d+)?)(b|kb|mb|gb)?$/i.exec(text) ?? [];
  const value = Math.round(Number(number) * units[unit.toLowerCase() as keyof typeof units]);
  // Node itself uses about 40 MB: with a smaller limit, the process would end before its first message.
  if (!(value >= 64 * units.mb))
    throw new InvalidArgumentError('It must be a size of at least 64mb, such as 512mb or 1.5gb.');
  return value;
}

/** Parses `a,b`, for commander. The option can be repeated. */
export function names(text: string, before: readonly string[] = []): readonly string[] {
  const list = text.split(',').map((name) => name.trim());
  if (list.some((name) => name === '')) throw new InvalidArgumentError('It must be names separated by commas.');
  return [...before, ...list];
}
