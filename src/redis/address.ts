import type { RedisOptions } from 'ioredis';
import { InvalidOptionError, RedisUnreachableError } from '../core/errors.js';
import { joinOrStart } from '../embedded/embedded.js';
import { hasStoredMessages } from '../embedded/lost-data.js';
import { ping } from '../embedded/ping.js';
import { type Project, projectAt } from '../embedded/project.js';
import type { Kind } from '../embedded/record.js';
import { handshake, type Handshake } from './handshake.js';
import { isNoticeDue, sayOnce } from './notice.js';
import { type AddressOptions, labelOf, namedAddress, type Endpoint } from './named-address.js';

export type { AddressOptions } from './named-address.js';

/** The Redis server that the queues of this process use. */
export interface Address {
  /** Options for `new Redis(…)`: address, database, user. No retries and no timeouts. */
  readonly options: RedisOptions;
  /** The address without its password, to print, such as `redis://app:***@cache:6379/2`. */
  readonly label: string;
  /**
   * Where the address comes from: an option, `REDIS_URL` or `VALKEY_URL`, the Redis at 127.0.0.1:6379, or the embedded server
   * of this project.
   */
  readonly source: 'option' | 'environment' | 'local' | 'embedded';
  /** Kind of an embedded server: a native one, or the JavaScript engine, which keeps messages in memory only. */
  readonly kind?: Kind;
}

/** Everything that the search depends on, besides the options. */
export interface AddressSources {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  /** Port on 127.0.0.1 at which the search looks for a Redis of this machine. */
  readonly localPort: number;
  /** Receives the line that names the chosen server. */
  readonly say: (line: string) => void;
}

/** Time limit for a server that accepts the connection and does not reply. If no server runs, the connection fails at once. */
const localPatienceMs = 200;

const searches = new Map<string, Promise<Address>>();

/**
 * Finds Redis. It uses the first of these that exists:
 *
 * 1. the server named by the options, `REDIS_URL` or `VALKEY_URL`. If it does not answer, the search fails;
 * 2. the server at 127.0.0.1:6379;
 * 3. the embedded server of this project, if it runs;
 * 4. `valkey-server` or `redis-server` of this machine (6.2 or newer), started as a private server of this project;
 * 5. the JavaScript engine, which keeps messages in memory.
 *
 * With `NODE_ENV=production`, the search ends after step 2. `HOTQUEUE_REDIS` limits the steps after 1: `native` allows 3 and 4,
 * `js` allows 3 and 5, `off` allows 2, `auto` allows all. A `db` option applies to every step. If the server is not from
 * step 1, one line on stderr names it: once per process, and for an embedded server once a day. Concurrent calls with equal arguments share one search.
 *
 * @throws RedisUnreachableError if no server answers
 * @throws RedisUnsupportedError if the server is older than 6.2
 * @throws InvalidOptionError if an option or environment variable is invalid
 */
export function findRedis(
  given: AddressOptions,
  env: NodeJS.ProcessEnv = process.env,
  cwd: string = process.cwd(),
): Promise<Address> {
  const { REDIS_URL, VALKEY_URL, HOTQUEUE_REDIS, NODE_ENV } = env;
  const question = JSON.stringify([given, REDIS_URL, VALKEY_URL, HOTQUEUE_REDIS, NODE_ENV, cwd]);
  const running = searches.get(question);
  if (running !== undefined) return running;
  const search = resolveAddress(given, { env, cwd, localPort: 6379, say: sayOnce }).finally(() =>
    searches.delete(question),
  );
  searches.set(question, search);
  return search;
}

/** The search of {@link findRedis}, with everything it depends on as arguments. */
export async function resolveAddress(given: AddressOptions, around: AddressSources): Promise<Address> {
  const named = namedAddress(given, around.env);
  if (named !== undefined) {
    await handshake(named.endpoint);
    return address(named.endpoint, named.source);
  }
  const db = given.db === undefined ? {} : { db: given.db };
  const mode = modeOf(around.env);
  if (mode === 'auto' || mode === 'off') {
    const local = { host: '127.0.0.1', port: around.localPort };
    const answer = await ping(local, localPatienceMs);
    if (answer === 'ready' || answer === 'loading') {
      const { name, version } = await handshake({ ...local, ...db });
      around.say(
        `using ${name} ${version ?? ''} at ${local.host}:${local.port}. To use another server, set REDIS_URL or pass { url }`,
      );
      return address({ ...local, ...db }, 'local');
    }
    if (answer === 'locked')
      around.say(
        `skipping the Redis at ${local.host}:${local.port}: it requires a password. To use it, set REDIS_URL=redis://:password@${local.host}`,
      );
  }
  if (mode === 'off') throw nowhere('HOTQUEUE_REDIS=off', around);
  if (around.env.NODE_ENV === 'production') throw nowhere('NODE_ENV=production', around);
  return embedded(projectAt(around.cwd, around.env), mode, db, around);
}

const kindsOf = { auto: ['native', 'js'], native: ['native'], js: ['js'] } as const satisfies Record<
  string,
  readonly Kind[]
>;

type Mode = keyof typeof kindsOf;

/**
 * The value of `HOTQUEUE_REDIS`, or `auto` if it is not set.
 *
 * @throws InvalidOptionError for an unknown value: a spelling mistake must not start a server
 */
export function modeOf(env: NodeJS.ProcessEnv): Mode | 'off' {
  const word = env.HOTQUEUE_REDIS || 'auto';
  if (word === 'off' || Object.hasOwn(kindsOf, word)) return word as Mode | 'off';
  throw new InvalidOptionError('HOTQUEUE_REDIS', `invalid HOTQUEUE_REDIS "${word}": use auto, native, js or off`);
}

function nowhere(reason: string, { localPort }: AddressSources): RedisUnreachableError {
  return new RedisUnreachableError(
    `127.0.0.1:${localPort}`,
    `with ${reason}, hotqueue starts no server. Set REDIS_URL or pass { url }`,
  );
}

async function embedded(project: Project, mode: Mode, db: { db?: number }, around: AddressSources): Promise<Address> {
  const running = await joinOrStart(project, kindsOf[mode], around.env);
  const endpoint = { path: running.socket, ...db };
  const server = await handshake(endpoint);
  const kind = server.name === 'js-redis-server' ? 'js' : 'native';
  if (mode !== 'auto' && mode !== kind) {
    const sentence = `HOTQUEUE_REDIS is "${mode}", but the running server of this project is ${server.name}: stop it with "npx hotqueue redis stop"`;
    throw new InvalidOptionError('HOTQUEUE_REDIS', sentence);
  }
  const notice = banner(project, kind, server);
  if (running.isRestored) around.say(`${notice} Its data directory had been deleted, and was written again.`);
  else if (isNoticeDue(project.dataDir, notice)) around.say(notice);
  return { ...address(endpoint, 'embedded'), kind };
}

/** The server is not a child that ends with this program. */
const stays =
  'The server keeps running after this program; "npx hotqueue redis stop" stops it. To use another server, set REDIS_URL or pass { url }';

function banner(project: Project, kind: Kind, { name, version }: Handshake): string {
  const own = `using a private ${name} ${version ?? ''} of this project, with its data in ${project.dataDir}. ${stays}`;
  if (kind === 'native') return own;
  const stored = hasStoredMessages(project)
    ? ` It does not see the messages that a native server stored in ${project.dataDir}.`
    : '';
  return (
    `messages are in memory only: the JavaScript engine is for learning and tests, and loses them when it stops.${stored} ` +
    `To get a native server, run "npx hotqueue redis install". ${stays}`
  );
}

function address(endpoint: Endpoint, source: Address['source']): Address {
  return { options: endpoint, label: labelOf(endpoint), source };
}
