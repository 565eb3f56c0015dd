import { HotQueue, start, type Runner } from 'hotqueue';
import { setTimeout as pause } from 'node:timers/promises';

/** A name of the greatest length that is allowed. */
export const longName = `q-${'x'.repeat(126)}`;

/** What a page would run if it showed a message as HTML. */
export const hostile = '"><img src=x onerror=window.wasHit=1><script>window.wasHit=1</script>\u0000\u001b[2J\u202e';

/** Queues in all states, with workers that work on them. */
export interface Scene {
  readonly ids: Readonly<Record<'failed' | 'delayed' | 'large' | 'hostile' | 'last' | 'running', string>>;
  readonly close: () => Promise<void>;
}

/** Makes the queues of a shop on a Redis that is empty. */
export async function aScene(url: string): Promise<Scene> {
  const open = (name: string, options = {}) => new HotQueue(name, { url, logger: false, attempts: 1, ...options });
  const queues = {
    orders: open('orders', { track: true }),
    emails: open('emails', { track: true }),
    images: open('images'),
    invoices: open('invoices', { track: true }),
    reports: open('reports', { track: true }),
    exports: open('exports'),
    long: open(longName),
  };
  const { orders, emails, images, invoices, reports, exports: exporting, long } = queues;
  let isOpen = true;
  const runners: Runner[] = [];

  const failing = emails.worker(
    (message) => {
      const { to, kind } = message as { to: string; kind: string };
      if (kind === 'html') throw Object.assign(new Error(hostile), { name: hostile });
      if (kind === 'mailbox') throw new RangeError(`mailbox of ${to} is full`);
      throw new TypeError('fetch failed', {
        cause: Object.assign(new Error('connect ECONNREFUSED 10.0.0.7:587'), { code: 'ECONNREFUSED' }),
      });
    },
    { concurrency: 4 },
  );
  const kinds = ['smtp', 'smtp', 'smtp', 'mailbox', 'html'];
  const mails = await emails.putAll(
    Array.from({ length: 24 }, (_, n) => ({ to: `user-${n}@example.com`, kind: kinds[n % kinds.length] })),
  );
  runners.push(start(failing));
  for (;;) {
    if ((await emails.dead.size()) === mails.length) break;
    await pause(20);
  }

  const large = await images.put({ text: 'x'.repeat(1_000_000), html: hostile });
  const bad = await images.put({ html: hostile });
  await images.putAll(Array.from({ length: 60 }, (_, n) => ({ path: `photos/${n}.jpg`, width: 800 })));
  const delayed = await exporting.with({ delay: '2h' }).put({ month: '2026-11', format: 'csv' });
  await exporting.with({ delay: '20m' }).put({ month: '2026-10', format: 'pdf' });
  await exporting.put({ month: '2026-09' });
  await exporting.pause();
  await long.with({ delay: '1h' }).put({ note: 'a queue with a long name' });

  await reports.schedules.set('nightly', { cron: '0 3 * * *', timeZone: 'Europe/Berlin', payload: { kind: 'daily' } });
  await reports.schedules.set('pulse', { every: '30s', payload: { kind: 'pulse' } });
  await reports.schedules.run('nightly');
  await reports.schedules.pause('pulse');
  runners.push(start(reports.worker(() => ({ rows: 12 }))));

  const done = invoices.worker(async (_, job) => {
    await job.progress({ percent: 50 });
    await job.log('rendered <b>page 1</b>');
    return { pages: 2 };
  });
  runners.push(start(done));
  const parts = await invoices.putAll([{ number: 1 }, { number: 2 }, { number: 3 }]);
  const last = await invoices.with({ after: parts }).put({ total: true });

  const working = orders.worker(() => pause(4), { concurrency: 4 });
  const uploads = open('uploads', { track: true });
  const upload = await uploads.put({ file: 'film.mp4' });
  const untilStopped = uploads.worker(
    (_, { signal }) => new Promise((resolve) => signal.addEventListener('abort', resolve)),
  );
  runners.push(start(working), start(untilStopped));
  const load = (async () => {
    for (let n = 0; isOpen; n++) {
      await orders.put({ number: n, customer: `c-${n % 50}`, total: (n * 7) % 200 });
      await pause(3);
    }
  })();
  return {
    ids: {
      ...{
        failed: mails[0]!.id,
        delayed: delayed.id,
        large: large.id,
        hostile: bad.id,
        running: upload.id,
        last: last.id,
      },
    },
    close: async () => {
      isOpen = false;
      await load;
      await Promise.all(runners.map((runner) => runner.stop({ shutdownTimeout: '100ms' })));
      await Promise.all([...Object.values(queues), uploads].map((queue) => queue.close()));
    },
  };
}
