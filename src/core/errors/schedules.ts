// Errors about schedules.
import { shown } from '../shown.js';
import { HotQueueError } from './base.js';

/**
 * There is no schedule with this name. Code `NO_SCHEDULE`.
 *
 * @example
 * if (await reports.schedules.get('nightly')) await reports.schedules.pause('nightly');
 */
export class NoScheduleError extends HotQueueError {
  readonly code = 'NO_SCHEDULE';
  /**
   * @param queue name of the queue
   * @param schedule the name that was asked for
   * @param reason why it cannot be used
   */
  constructor(
    readonly queue: string,
    readonly schedule: string,
    reason = 'schedules.list() shows those that exist',
  ) {
    super(`queue "${queue}" has no schedule ${shown(schedule)}: ${reason}`);
  }
}

/**
 * A schedule was changed by other processes at each of a hundred tries, so it was not changed here. Code `SCHEDULE_CHANGED`. Try again.
 *
 * @example
 * await reports.schedules.set('nightly', nightly);
 */
export class ScheduleChangedError extends HotQueueError {
  readonly code = 'SCHEDULE_CHANGED';
  /**
   * @param queue name of the queue
   * @param schedule name of the schedule
   */
  constructor(
    readonly queue: string,
    readonly schedule: string,
  ) {
    super(
      `schedule ${shown(schedule)} of queue "${queue}" was not changed: other processes change it all the time. Try again`,
    );
  }
}
