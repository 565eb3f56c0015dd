import type { BoundHandler } from './handlers.js';

/**
 * Health of one worker of a runner.
 *
 * @example
 * ```ts
 * const behind = runner.health().workers.filter(({ isReady }: WorkerHealth) => !isReady);
 * ```
 */
export interface WorkerHealth {
  /** Such as `Studio.resize`. */
  readonly name: string;
  /** Name of its queue. */
  readonly queue: string;
  /** Whether it is registered, and Redis has confirmed it so lately that its lease has not ended. */
  readonly isReady: boolean;
  /** Whether it has tried to send a heartbeat within its lease; also true before it is registered. */
  readonly isLive: boolean;
}

/**
 * Health of a runner, see `runner.health()`.
 *
 * @example
 * ```ts
 * const { status, isReady }: RunnerHealth = runner.health();
 * ```
 */
export interface RunnerHealth {
  /** `stopping`: it takes no more messages. `stopped`: all its handlers have ended. */
  readonly status: 'working' | 'stopping' | 'stopped';
  /**
   * Whether the timers of this process run: every worker has tried to send a heartbeat within its lease. It stays true while Redis is
   * away, as a restart would not help.
   */
  readonly isLive: boolean;
  /** Whether it works, and Redis has confirmed all its workers within their leases. */
  readonly isReady: boolean;
  /** Number of handlers that run now. */
  readonly running: number;
  /** Its workers. */
  readonly workers: readonly WorkerHealth[];
}

/** What a session knows of its heartbeats. */
export interface Vitals {
  /** Registered, and confirmed within its lease. */
  readonly isConfirmed: boolean;
  /** Ms since the last heartbeat was tried; `undefined` if it is not registered. */
  readonly triedMsAgo: number | undefined;
}

export function workerHealth({ name, context }: BoundHandler, { isConfirmed, triedMsAgo = 0 }: Vitals): WorkerHealth {
  return { name, queue: context.name, isReady: isConfirmed, isLive: triedMsAgo < context.broker.leaseMs };
}
