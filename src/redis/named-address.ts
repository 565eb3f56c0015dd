import { InvalidOptionError } from '../core/errors.js';

/** Options with which a user names a Redis server. */
export interface AddressOptions {
  readonly url?: string | undefined;
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly db?: number | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
}

/** Address of a Redis server, as options of ioredis. With a `path`, there is no host. */
export interface Endpoint {
  readonly host?: string;
  readonly port?: number;
  readonly path?: string;
  readonly db?: number;
  readonly username?: string;
  readonly password?: string;
  readonly family?: number;
  readonly tls?: object;
}

/** A named address, and where it comes from. */
export interface NamedAddress {
  readonly endpoint: Endpoint;
  readonly source: 'option' | 'environment';
}

/**
 * The address that the options or the environment name, or `undefined` if neither names one. A `db` alone names no address.
 *
 * Each option overrides the environment: `REDIS_URL` with `{ db: 1 }` is database 1 of that server. `REDIS_URL` is read before
 * `VALKEY_URL`.
 *
 * @throws InvalidOptionError if a url is invalid or contradicts another option
 */
export function namedAddress(given: AddressOptions, env: NodeJS.ProcessEnv): NamedAddress | undefined {
  const { url, host, port, db, username, password } = given;
  const rest = { db, username, password };
  if (url !== undefined) {
    for (const name of ['host', 'port'] as const) if (given[name] !== undefined) throw contradiction(name);
    const endpoint = parseUrl(url, 'url');
    for (const name of ['db', 'username', 'password'] as const) {
      if (given[name] !== undefined && endpoint[name] !== undefined && given[name] !== endpoint[name])
        throw contradiction(name);
    }
    return { endpoint: { ...endpoint, ...present(rest) }, source: 'option' };
  }
  if (host !== undefined || port !== undefined) {
    return { endpoint: { host: host ?? '127.0.0.1', port: port ?? 6379, ...present(rest) }, source: 'option' };
  }
  const variable = (['REDIS_URL', 'VALKEY_URL'] as const).find((name) => Boolean(env[name]));
  if (variable !== undefined) {
    return { endpoint: { ...parseUrl(env[variable] ?? '', variable), ...present(rest) }, source: 'environment' };
  }
  // A user name or password is for an existing server, because an embedded server has none. So this means the local server.
  if (given.password === undefined && given.username === undefined) return undefined;
  return { endpoint: { host: '127.0.0.1', port: 6379, ...present(rest) }, source: 'option' };
}

function contradiction(name: string): InvalidOptionError {
  return new InvalidOptionError(name, `url and ${name} contradict each other: use only one of them`);
}

/**
 * Parses `redis://`, `rediss://`, `unix:///path?db=2`, `redis+unix://`, a bare path, or `host:port`, as ioredis does. It reads
 * only `db`, `username`, `password` and `family` from the query, because other clients write their own options there.
 *
 * @param option name of the option, for the error. The error does not show the url, because it may contain a password
 * @throws InvalidOptionError if the url is invalid
 */
export function parseUrl(url: string, option: string): Endpoint {
  const unix =
    /^(?:(?:redis\+)?unix:\/\/|(?=\/(?!\/)))(?:(?<auth>[^/@]*)@)?\/*(?<path>[^?]+)(?:\?(?<query>.*))?$/i.exec(
      url,
    )?.groups;
  const parsed = unix === undefined ? asUrl(url) : undefined;
  if (unix === undefined && !(parsed && /^rediss?:$/.test(parsed.protocol) && parsed.hostname !== '')) {
    throw new InvalidOptionError(
      option,
      `invalid ${option}: expected redis://host:6379/0, rediss://… for TLS, or unix:///path/of.sock`,
    );
  }
  const query = new URLSearchParams(unix?.query ?? parsed?.search);
  const [username, password] = unix === undefined ? [parsed?.username, parsed?.password] : (unix.auth ?? '').split(':');
  const family = query.get('family');
  const where = parsed
    ? {
        host: parsed.hostname.replace(/^\[|\]$/g, ''),
        port: Number(parsed.port || 6379),
        ...(parsed.protocol === 'rediss:' && { tls: {} }),
      }
    : { path: process.platform === 'win32' ? String(unix?.path) : `/${unix?.path}` };
  return {
    ...where,
    ...present({
      db: toDb(parsed?.pathname.slice(1) || query.get('db'), option),
      username: decoded(username, option) || query.get('username') || undefined,
      password: decoded(password, option) || query.get('password') || undefined,
      family: family === null ? undefined : toFamily(family, option),
    }),
  };
}

/** Percent-decodes a user name or a password. The error does not show it. */
function decoded(text: string | undefined, option: string): string {
  try {
    return decodeURIComponent(text ?? '');
  } catch {
    throw new InvalidOptionError(
      option,
      `invalid ${option}: its user name or password has a % that encodes no character. Write %25 for a percent sign`,
    );
  }
}

function toFamily(text: string, option: string): number {
  if (text === '0' || text === '4' || text === '6') return Number(text);
  throw new InvalidOptionError(option, `invalid family in ${option}: expected 4, 6 or 0`);
}

function asUrl(url: string): URL | undefined {
  const text = /^\d+$/.test(url)
    ? `redis://127.0.0.1:${url}`
    : url.includes('://')
      ? url
      : `redis://${url.replace(/^\/\//, '')}`;
  return URL.canParse(text) ? new URL(text) : undefined;
}

function toDb(text: string | null, option: string): number | undefined {
  if (text === null || text === '') return undefined;
  if (/^\d+$/.test(text)) return Number(text);
  throw new InvalidOptionError(option, `invalid database "${text}" in ${option}: expected a whole number from 0`);
}

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function present<T extends object>(values: T): Present<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Present<T>;
}

/** The address as a url to print, with the password masked. A user name alone is masked too: it may be a password at the wrong place. */
export function labelOf({ host, port, path, db, username, password, tls }: Endpoint): string {
  const auth = password === undefined ? (username === undefined ? '' : '***@') : `${username ?? ''}:***@`;
  if (path !== undefined) return `unix://${auth}${path}${db === undefined ? '' : `?db=${db}`}`;
  const name = host?.includes(':') === true ? `[${host}]` : host;
  return `${tls === undefined ? 'redis' : 'rediss'}://${auth}${name}:${port}${db === undefined ? '' : `/${db}`}`;
}
