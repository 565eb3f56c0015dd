import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';

const source = new URL('../../src/', import.meta.url).pathname;

/**
 * Files that may read the clock of the machine, which an administrator or NTP may change at any time, and why. Everything that
 * measures how long something takes, or waits, uses `performance.now()`.
 */
const allowed: Readonly<Record<string, string>> = {
  'wire/id.ts': 'an id begins with the time of the put',
  'wire/returning.ts': 'a failure is recorded with its time',
  'producer/publisher.ts': 'the time of the put, for the job and for `ttl`',
  'consumer/session.ts': 'whether the `ttl` of a message has passed',
  'consumer/claim-job.ts': 'a failure is recorded with its time',
  'consumer/delivery.ts': 'the time of the put, in a delivery for tests',
  'consumer/heartbeat-report.ts': 'when an attempt began, for other machines',
  'core/options/placement.ts': 'an `at` that is in seconds is refused',
  'redis/notice.ts': 'a notice once a day',
  'cli/peek.ts': 'ages to show',
  'inspect/delayed.ts': 'a time from now, for the event of a move',
  'inspect/server-facts.ts': 'the doctor compares this clock with that of the server',
  'embedded/lock.ts': 'the age of a lock file; the file system has the clock of the machine',
  'cli/workers.ts': 'ages to show',
  'cli/take.ts': 'ages to show',
  'cli/delayed.ts': 'ages to show',
  'cli/dead/dead.ts': 'ages to show',
  'cli/jobs/job.ts': 'ages to show',
  'cli/jobs/jobs.ts': 'ages to show',
  'cli/schedules/schedule.ts': 'times to show',
  'cli/schedules/set.ts': 'times to show',
  'cli/schedules/scheduler.ts': 'the time of a line',
  'cli/dead/filter.ts': 'an age as a time',
  'cli/worker/log.ts': 'the time of a log line',
  'dashboard/poller.ts': 'the time of a sample, and since when Redis is away, to show',
  'dashboard/live.ts': 'the time of an update, to show',
  'dashboard/redis.ts': 'when the facts were read, to show',
  'dashboard/page/net.ts': 'ages to show',
  'history/options.ts': 'an age as a time',
  'producer/put-dependent.ts': 'the time of the put, for the job',
  'prometheus/index.ts': 'the age of the oldest message, to show',
  'cli/worker/health-server.ts': 'the age of the oldest message, to show',
  'repl/dot-commands.ts': 'a time to show',
};

it('only times that are stored or shown come from the clock of the machine', () => {
  const found = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((file) => {
    if (!file.endsWith('.ts')) return false;
    const code = readFileSync(path.join(source, file), 'utf8').replace(/\/\*[^]*?\*\/|\/\/.*/g, '');
    return /\bDate\.now\b|new Date\(\)/.test(code);
  });
  expect(found.length).toBeGreaterThan(0);
  expect(found.filter((file) => !Object.hasOwn(allowed, file))).toEqual([]);
});
