import { Books } from './books.js';
import { nowMs, until, within } from './clock.js';
import { Meter } from './meter.js';

/** If no job is handled for this time, the remaining jobs count as lost. */
const silenceMs = 20_000;

/**
 * Fills two queues from another process, warms up on the first, and measures a worker on the second.
 *
 * The clock starts at the first handled job. It stops when the queue is empty in Redis, so after the last acknowledgement, not
 * when the last handler starts.
 *
 * @param {import('./measuring.js').Context} context
 * @param {object} more
 * @param {(payload: object) => void} [more.look] called with the payload of the first job; throws if it is not as expected
 * @param {number} [more.stopAfter] stops the clock after this many handled jobs
 * @param {number} [more.attempts] attempts of each measured job
 * @param {(payload: object, before: number) => unknown} [more.handle] handles a measured job; fails it by throwing
 * @param {(payload: object, before: number) => unknown} [more.warmHandle] handles a job of the warm-up, which has one attempt
 */
export async function consumed(context, more = {}) {
  const { params, start } = context;
  const { count, warmup } = params;
  await start('fill', { queue: 'warm', count: warmup }).result;
  await start('fill', { queue: 'jobs', count, attempts: more.attempts }).result;
  await drain(context, 'warm', warmup, { look: more.look, handle: more.warmHandle });
  return drain(context, 'jobs', count, more);
}

/** Consumes jobs 0 to `count` - 1 of a filled queue in this process. `handle` fails a job by throwing. */
export async function drain(
  { system, address, meter, params },
  queue,
  count,
  { look, stopAfter = count, each = 1, handle } = {},
) {
  const books = new Books(count);
  let firstAt = 0;
  let handled = 0;
  let done;
  const allHandled = new Promise((resolve) => (done = resolve));
  const work = (payload) => {
    if (firstAt === 0) {
      firstAt = nowMs();
      look?.(payload);
    }
    const before = books.enter(payload.n);
    if (++handled === stopAfter * each) done();
    return handle?.(payload, before);
  };

  const left = await system.left(address, queue);
  await left();
  const before = await meter.read();
  const consumer = await system.consumer(address, queue, { ...params, handle: work });
  await Promise.race([allHandled, silence(() => handled)]);
  if (stopAfter === count) await until(async () => (await left()) === 0, silenceMs);
  const ms = nowMs() - firstAt;
  const used = Meter.perJob(before, await meter.read(), handled / each);

  await within(consumer.close(), 5_000);
  const jobs = handled / each;
  const { lost, duplicates } =
    stopAfter === count
      ? books.judge(each)
      : { lost: count - books.distinct - (await left()), duplicates: books.again };
  return { jobs, ms, perSecond: (jobs / ms) * 1_000, ...used, lost, duplicates };
}

async function silence(progress) {
  let last = -1;
  let since = nowMs();
  await until(
    () => {
      if (progress() !== last) since = nowMs();
      last = progress();
      return nowMs() - since > silenceMs;
    },
    Infinity,
    500,
  );
}
