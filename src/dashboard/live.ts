import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';
import type { LiveUpdate } from './api.js';
import type { Env } from './guard.js';
import type { Poller } from './poller.js';

/** A proxy must not close a connection on which nothing changes. */
const silentMs = 15_000;

/** Server-sent events with what changed. Ends when the browser goes away, or the dashboard is closed. */
export function live(c: Context<Env>, poller: Poller, queue: string | undefined): Response {
  c.header('x-accel-buffering', 'no'); // nginx keeps events back otherwise
  return streamSSE(c, async (stream) => {
    let wake = (): void => undefined;
    const woken = (withinMs: number): Promise<void> =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, withinMs);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    const unsubscribe = poller.subscribe({ queue, onPass: () => wake() });
    stream.onAbort(() => wake());
    try {
      let sent: Sent = { change: 0, sampleAt: 0, names: new Set(), redis: '' };
      let silentUntil = 0;
      while (!stream.aborted && !poller.isClosed) {
        const next = updateSince(poller, sent, queue);
        const leftMs = silentUntil - performance.now();
        if (next.update || leftMs <= 0) {
          await stream.writeSSE({ event: next.update ? 'update' : 'still', data: JSON.stringify(next.update ?? {}) });
          sent = next.sent;
          silentUntil = performance.now() + silentMs;
        } else await woken(leftMs);
      }
    } finally {
      unsubscribe();
    }
  });
}

/** What a browser has. */
interface Sent {
  readonly change: number;
  readonly sampleAt: number;
  readonly names: ReadonlySet<string>;
  readonly redis: string;
}

function updateSince(
  poller: Poller,
  sent: Sent,
  queue: string | undefined,
): { update: LiveUpdate | undefined; sent: Sent } {
  const change = poller.changes;
  const { rows, names } = poller.changedSince(sent.change);
  const gone = [...sent.names].filter((name) => !names.has(name));
  const detail = queue === undefined ? undefined : poller.detailSince(queue, sent.sampleAt);
  const { redis } = poller;
  const isNews =
    rows.length > 0 || gone.length > 0 || (detail?.samples.length ?? 0) > 0 || JSON.stringify(redis) !== sent.redis;
  const update = { at: Date.now(), redis, queues: rows, gone, queue: detail ? { name: queue!, ...detail } : null };
  const sampleAt = detail?.samples.at(-1)?.at ?? sent.sampleAt;
  return { update: isNews ? update : undefined, sent: { change, sampleAt, names, redis: JSON.stringify(redis) } };
}
