import { useEffect, useState } from 'preact/hooks';

/** What the address names: `#/queues/orders?list=dead` is path ['queues', 'orders'] and query list=dead. */
export interface Route {
  readonly path: readonly string[];
  readonly query: URLSearchParams;
}

function read(): Route {
  const [path = '', query = ''] = location.hash.replace(/^#\/?/, '').split(/\?(.*)/s);
  return { path: path.split('/').filter(Boolean).map(decoded), query: new URLSearchParams(query) };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** A link: `to(['queues', name], { list: 'dead' })`. Empty values are left out. */
export function to(path: readonly string[], query: Readonly<Record<string, string>> = {}): string {
  const given = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== ''));
  const text = given.size > 0 ? `?${given}` : '';
  return `#/${path.map(encodeURIComponent).join('/')}${text}`;
}

/** Changes the address without a new entry in the history: for filters, while one types. */
export function replace(hash: string): void {
  history.replaceState(null, '', hash);
  dispatchEvent(new HashChangeEvent('hashchange'));
}

export function useRoute(): Route {
  const [route, set] = useState(read);
  useEffect(() => {
    const change = (): void => set(read());
    addEventListener('hashchange', change);
    return () => removeEventListener('hashchange', change);
  }, []);
  return route;
}
