import { inject } from 'vitest';

/** Whether these tests run against a real Redis or against the JavaScript engine. */
export const serverKind = (): 'redis' | 'engine' => inject('serverKind');

/** The server of this run, for `new HotQueue(name, { url: redisUrl() })`. Shared: use queue names of your own. */
export function redisUrl(): string {
  const url = inject('serverUrl');
  if (url.startsWith('!')) throw new Error(url.slice(1));
  return url;
}
