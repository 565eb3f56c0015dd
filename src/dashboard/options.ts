import { HotQueue, InvalidOptionError, type QueueOptions } from 'hotqueue';

/** Whether a visitor may see the dashboard, and change things. */
export type Permission = boolean | 'read-only';

/**
 * Options of {@link dashboard}.
 *
 * @example
 * ```ts
 * const board = dashboard({
 *   url: 'redis://cache:6379',
 *   basePath: '/queues',
 *   redact: ['password', 'card.number'],
 *   authorize: async (request) => (await isAdmin(request)) || 'read-only',
 * });
 * ```
 */
export interface DashboardOptions extends Pick<QueueOptions, 'url' | 'connection' | 'db' | 'prefix'> {
  /**
   * Only these queues. Default: all queues of this Redis and `prefix`, also those that are created later. A `HotQueue` also checks
   * the payloads that are put on it in the dashboard; it must be of the same Redis.
   */
  queues?: readonly (string | HotQueue<never, never>)[];
  /** Refuses every change, on the server. Default: false. */
  readOnly?: boolean;
  /**
   * Called for each request. `false`: the answer is 403. `'read-only'`: this visitor may change nothing. Default: all are allowed, so
   * the program that mounts the dashboard must protect it.
   */
  authorize?: (request: Request) => Permission | Promise<Permission>;
  /** User and password that a browser must send (HTTP Basic). Default: none. */
  login?: {
    /** Name of the user. */
    user: string;
    /** The password. It is compared in constant time. */
    password: string;
  };
  /**
   * Fields of payloads, results and progress whose values are hidden: names such as `password`, which match at any depth, or paths such
   * as `card.number`. Default: none.
   */
  redact?: readonly string[];
  /** The path at which the dashboard is mounted, such as `/queues`. Default: `''`, the root. */
  basePath?: string;
  /** Host names that requests may name, without a port, as a protection against DNS rebinding. Default: all. */
  hosts?: readonly string[];
}

/** {@link DashboardOptions} after their check. */
export interface ResolvedOptions {
  readonly address: QueueOptions;
  /** Empty: all queues. */
  readonly names: readonly string[];
  /** The queues that were given as objects, by name. */
  readonly given: ReadonlyMap<string, HotQueue>;
  readonly isReadOnly: boolean;
  readonly authorize: NonNullable<DashboardOptions['authorize']> | undefined;
  readonly login: { readonly user: string; readonly password: string } | undefined;
  readonly redact: readonly string[];
  readonly basePath: string;
  readonly hosts: readonly string[] | undefined;
}

const known = [
  'url',
  'connection',
  'db',
  'prefix',
  'queues',
  'readOnly',
  'authorize',
  'login',
  'redact',
  'basePath',
  'hosts',
];

/** @throws InvalidOptionError */
export function resolve(options: DashboardOptions = {}): ResolvedOptions {
  for (const name of Object.keys(options))
    if (!known.includes(name)) refuse(name, `unknown option "${name}": expected one of ${known.join(', ')}`);
  const { url, connection, db, prefix, queues = [], readOnly = false, authorize, login, redact = [] } = options;
  const { basePath = '', hosts } = options;
  if (typeof readOnly !== 'boolean') refuse('readOnly', `invalid readOnly ${String(readOnly)}: expected true or false`);
  if (authorize !== undefined && typeof authorize !== 'function')
    refuse('authorize', 'invalid authorize: expected a function that returns true, false or "read-only"');
  if (!/^(\/[\w.~-]+)*$/.test(basePath))
    refuse('basePath', `invalid basePath "${basePath}": expected a path such as "/queues", without a slash at its end`);
  if (login && (!isText(login.user) || !isText(login.password)))
    refuse('login', 'invalid login: expected { user, password }, two texts that are not empty');
  if (!Array.isArray(redact) || !redact.every(isText))
    refuse('redact', 'invalid redact: expected an array of field names or paths, such as ["password", "card.number"]');
  if (hosts !== undefined && (!Array.isArray(hosts) || !hosts.every(isText)))
    refuse('hosts', 'invalid hosts: expected an array of host names, such as ["queues.example.com"]');
  const given = queues.filter((queue) => queue instanceof HotQueue) as unknown as HotQueue[];
  const names = queues.map((queue) => (typeof queue === 'string' ? queue : queue.name));
  return {
    address: present({ url, connection, db, prefix }),
    names,
    given: new Map(given.map((queue) => [queue.name, queue])),
    isReadOnly: readOnly,
    ...{ authorize, login, redact, basePath, hosts },
  };
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';

const present = (options: Record<string, unknown>): QueueOptions =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));

function refuse(option: string, sentence: string): never {
  throw new InvalidOptionError(option, `dashboard(): ${sentence}`);
}
