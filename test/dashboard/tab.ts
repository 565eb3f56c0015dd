import type { Dashboard } from 'hotqueue/dashboard';
import type { z } from 'zod';
import { schema } from './schema.js';

type Update = z.infer<typeof schema.update>;

export interface Tab {
  /** What changed, each checked against the schema. */
  readonly updates: Update[];
  /** Number of events, also of those that say that nothing has changed. */
  events: number;
  isEnded: boolean;
  readonly close: () => void;
}

/** Reads the stream of a browser tab into an array. */
export function aTab(board: Dashboard, query = ''): Tab {
  const closing = new AbortController();
  const tab: Tab = { updates: [], events: 0, isEnded: false, close: () => closing.abort() };
  void (async () => {
    const response = await board.fetch(new Request(`http://127.0.0.1/api/live${query}`, { signal: closing.signal }));
    let text = '';
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    closing.signal.addEventListener('abort', () => void reader.cancel());
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      const events = (text + part.value).split('\n\n');
      text = events.pop()!;
      for (const event of events) {
        tab.events += 1;
        const [, data] = /^event: update\ndata: (.*)$/m.exec(event) ?? [];
        if (data !== undefined) tab.updates.push(schema.update.parse(JSON.parse(data)));
      }
    }
  })()
    .catch(() => undefined)
    .finally(() => (tab.isEnded = true));
  return tab;
}
