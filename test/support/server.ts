import { inject } from 'vitest';

/** Whether these tests run against a real Redis or against the JavaScript engine. */
export const serverKind = (): 'redis' | 'engine' => inject('serverKind');

/** Url of the server of this run, for `new HotQueue(name, { url: redisUrl() })`. All tests share it: use unique queue names. */
export function redisUrl(): string {
  const url = inject('serverUrl');
  if (url.startsWith('!')) throw new Error(url.slice(1));
  return url;
}
