import type { Road } from './road.js';

/** The task of a schedule process. */
export interface ScheduleTask {
  readonly folder: string;
  readonly proc: string;
  readonly road: Road;
  readonly queue: string;
  /** How far the clock of this process is wrong, ms. */
  readonly clockMs: number;
}

/** All instants count: none may be missed, and none may come twice. */
export const chaosSchedules = {
  fast: { every: '100ms', payload: 'fast', missed: 'all' },
  slow: { every: '700ms', payload: 'slow', missed: 'all', track: false },
  cron: { cron: '* * * * * *', payload: 'cron', missed: 'all', priority: 'high' },
  late: { every: '300ms', payload: 'late', missed: 'all', jitter: '200ms' },
} as const;
