import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { Done, LiveUpdate, QueueRow, RedisState, Refusal, Sample, WorkerRow } from '../api.js';
import { visible } from './format.js';

/** The address of the dashboard: its files are in `<base>/assets/`. */
const here = import.meta.url; // in one expression, Vite would take it for the address of a file
const base = new URL('..', here).href;
const url = (path: readonly string[], query = ''): string =>
  `${base}api/${path.map(encodeURIComponent).join('/')}${query}`;

/** An answer that is no success. */
export class Refused extends Error {
  constructor(readonly error: Refusal['error']) {
    super(error.message);
  }
}

/** Parses JSON from the server. Control characters in its texts become visible: they could hide or reverse what one reads. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text, (_, value: unknown) => (typeof value === 'string' ? visible(value) : value)) as unknown;
  } catch {
    return undefined; // a proxy answered
  }
}

async function answer<T>(response: Response): Promise<T> {
  const body = parsed(await response.text());
  if (response.ok) return body as T;
  const refusal = body as Partial<Refusal> | undefined;
  throw new Refused(
    refusal?.error ?? { code: 'HTTP', message: `the server answered ${response.status}`, violations: [] },
  );
}

export const payloadUrl = (queue: string, id: string): string => url(['queues', queue, 'jobs', id, 'payload']);

export async function post(path: readonly string[], body: object = {}): Promise<Done> {
  const headers = { 'content-type': 'application/json' };
  return answer(await fetch(url(path), { method: 'POST', headers, body: JSON.stringify(body) }));
}

/** What was loaded, and the last error. `reload` loads again and keeps what is shown until then. */
export interface Loaded<T> {
  readonly value: T | undefined;
  readonly error: string | undefined;
  readonly isLoading: boolean;
  readonly reload: () => void;
}

/** Loads from the API; again each `everyMs`, if it is given and the page is visible. */
export function useLoad<T>(path: readonly string[], query = '', everyMs?: number): Loaded<T> {
  const address = url(path, query);
  const [state, set] = useState<{ address: string; value?: T; error?: string }>({ address: '' });
  const [round, setRound] = useState(0);
  const [isLoading, setLoading] = useState(true);
  useEffect(() => {
    const controller = new AbortController();
    setLoading(true);
    fetch(address, { signal: controller.signal })
      .then((response) => answer<T>(response))
      .then((value) => set({ address, value }))
      .catch((error: Error) => {
        if (controller.signal.aborted) return;
        set((before) => ({ ...(before.address === address ? before : { address }), error: error.message }));
      })
      .finally(() => !controller.signal.aborted && setLoading(false));
    return () => controller.abort();
  }, [address, round]);
  const reload = useCallback(() => setRound((before) => before + 1), []);
  useEffect(() => {
    if (everyMs === undefined) return undefined;
    const timer = setInterval(() => document.visibilityState === 'visible' && reload(), everyMs);
    return () => clearInterval(timer);
  }, [everyMs, reload]);
  const isCurrent = state.address === address;
  return { value: isCurrent ? state.value : undefined, error: isCurrent ? state.error : undefined, isLoading, reload };
}

/** What the stream has sent so far. */
export interface Live {
  readonly isConnected: boolean;
  readonly hasAnswered: boolean;
  readonly redis: RedisState;
  readonly queues: ReadonlyMap<string, QueueRow>;
  readonly workers: readonly WorkerRow[];
  readonly samples: readonly Sample[];
}

const nothing: Live = {
  isConnected: true,
  hasAnswered: false,
  redis: { isUp: true, downSince: null, error: null },
  queues: new Map(),
  workers: [],
  samples: [],
};

/** Follows the stream of the server while the page is visible. @param queue the queue whose workers and samples are wanted */
export function useLive(queue: string | undefined): Live {
  const [live, set] = useState(nothing);
  const source = useRef<EventSource | undefined>(undefined);
  useEffect(() => {
    set((before) => ({ ...before, workers: [], samples: [] }));
    const open = (): void => {
      if (document.visibilityState !== 'visible' || source.current) return;
      const events = new EventSource(url(['live'], queue === undefined ? '' : `?queue=${encodeURIComponent(queue)}`));
      source.current = events;
      let isFirst = true; // a new stream begins with everything
      events.addEventListener('update', ({ data }: MessageEvent<string>) => {
        const update = parsed(data) as LiveUpdate;
        const isWhole = isFirst;
        isFirst = false;
        set((before) => merged(before, update, isWhole));
      });
      events.onopen = () => {
        isFirst = true;
        set((before) => ({ ...before, isConnected: true }));
      };
      events.onerror = () => set((before) => ({ ...before, isConnected: false }));
    };
    const close = (): void => {
      source.current?.close();
      source.current = undefined;
    };
    const follow = (): void => (document.visibilityState === 'visible' ? open() : close());
    open();
    document.addEventListener('visibilitychange', follow);
    return () => {
      document.removeEventListener('visibilitychange', follow);
      close();
    };
  }, [queue]);
  return live;
}

function merged(before: Live, { redis, queues, gone, queue }: LiveUpdate, isWhole: boolean): Live {
  const all = new Map(isWhole && redis.isUp ? [] : before.queues);
  for (const row of queues) all.set(row.name, row);
  for (const name of gone) all.delete(name);
  return {
    isConnected: true,
    hasAnswered: before.hasAnswered || redis.isUp,
    redis,
    queues: all,
    workers: queue?.workers ?? before.workers,
    samples: queue ? [...(isWhole ? [] : before.samples), ...queue.samples].slice(-600) : before.samples,
  };
}

/** The time, which moves on every second. */
export function useNow(): number {
  const [now, set] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === 'visible' && set(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  return now;
}
