import type { RedisOptions } from 'ioredis';
import { InvalidOptionError, RedisUnreachableError } from '../contract/errors.js';
import { hasStoredMessages, joinOrStart } from './embedded/embedded.js';
import { ping } from './embedded/ping.js';
import { type Project, projectAt } from './embedded/project.js';
import type { Kind } from './embedded/record.js';
import { greet, type Greeting } from './greeting.js';
import { type Given, labelOf, namedAddress, type Place } from './named-address.js';

export type { Given } from './named-address.js';

/** Where the queues of this process find Redis. */
export interface Address {
  /** For `new Redis(…)`: where, which database, who; nothing about retries or timeouts. */
  readonly options: RedisOptions;
  /** For people, such as `redis://app:***@cache:6379/2`: no password in it. */
  readonly label: string;
  /** Who chose it: an option, `REDIS_URL` or `VALKEY_URL`, the machine's own Redis, or nobody. */
  readonly source: 'option' | 'environment' | 'local' | 'embedded';
  /** Of an embedded server: a real one, or the JavaScript engine, which keeps messages in memory only. */
  readonly kind?: Kind;
}

/** Everything the search depends on besides the options. */
export interface Surroundings {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  /** Port of 127.0.0.1 at which the machine's own Redis is looked for. */
  readonly localPort: number;
  /** Takes the one line that says what was chosen. */
  readonly say: (line: string) => void;
}

/** An absent Redis refuses at once; this is for something that accepts connections and says nothing. */
const localPatienceMs = 200;

const searches = new Map<string, Promise<Address>>();
let hasSpoken = false;

/**
 * Finds Redis. The first of these that there is:
 *
 * 1. the one named by the options, by `REDIS_URL` or by `VALKEY_URL`: this one or an error, never another;
 * 2. 127.0.0.1:6379;
 * 3. this project's embedded server, if it runs;
 * 4. `valkey-server` or `redis-server` of this machine (at least 6.2) as a private server of this project;
 * 5. the JavaScript engine, in memory.
 *
 * With `NODE_ENV=production` the search ends after 2. `HOTQUEUE_REDIS` changes it: `native` is 3 or 4, `js` is 3 or 5,
 * `off` is 1 or 2 (`auto`: all). A `db` applies wherever the search ends. Unless the address was named, one line on
 * stderr, once per process, says what was chosen. Calls at the same time share one search.
 *
 * @throws RedisUnreachableError RedisUnsupportedError InvalidOptionError
 */
export function findRedis(given: Given, env: NodeJS.ProcessEnv = process.env, cwd: string = process.cwd()): Promise<Address> {
  const { REDIS_URL, VALKEY_URL, HOTQUEUE_REDIS, NODE_ENV } = env;
  const question = JSON.stringify([given, REDIS_URL, VALKEY_URL, HOTQUEUE_REDIS, NODE_ENV, cwd]);
  const running = searches.get(question);
  if (running !== undefined) return running;
  const search = climb(given, { env, cwd, localPort: 6379, say: sayOnce }).finally(() => searches.delete(question));
  searches.set(question, search);
  return search;
}

function sayOnce(line: string): void {
  if (!hasSpoken) process.stderr.write(`hotqueue: ${line}\n`);
  hasSpoken = true;
}

/** The search itself, with everything it depends on. */
export async function climb(given: Given, around: Surroundings): Promise<Address> {
  const named = namedAddress(given, around.env);
  if (named !== undefined) {
    await greet(named.place);
    return address(named.place, named.source);
  }
  const db = given.db === undefined ? {} : { db: given.db };
  const mode = modeOf(around.env);
  if (mode === 'auto' || mode === 'off') {
    const local = { host: '127.0.0.1', port: around.localPort };
    const answer = await ping(local, localPatienceMs);
    if (answer === 'ready' || answer === 'loading') {
      const { name, version } = await greet({ ...local, ...db });
      around.say(`using the ${name} ${version ?? ''} on ${local.host}:${local.port}; REDIS_URL or { url } names another`);
      return address({ ...local, ...db }, 'local');
    }
    if (answer === 'locked') around.say(`the Redis on ${local.host}:${local.port} wants a password; to use it, set REDIS_URL=redis://:password@${local.host}`);
  }
  if (mode === 'off') throw nowhere('HOTQUEUE_REDIS=off', around);
  if (around.env.NODE_ENV === 'production') throw nowhere('NODE_ENV=production', around);
  return embedded(projectAt(around.cwd, around.env), mode, db, around);
}

const kindsOf = { auto: ['native', 'js'], native: ['native'], js: ['js'] } as const satisfies Record<string, readonly Kind[]>;

type Mode = keyof typeof kindsOf;

/**
 * What `HOTQUEUE_REDIS` allows.
 *
 * @throws InvalidOptionError for a word it does not know: a typing mistake must not start a server
 */
export function modeOf(env: NodeJS.ProcessEnv): Mode | 'off' {
  const word = env.HOTQUEUE_REDIS || 'auto';
  if (word === 'off' || Object.hasOwn(kindsOf, word)) return word as Mode | 'off';
  throw new InvalidOptionError('HOTQUEUE_REDIS', `HOTQUEUE_REDIS is "${word}": it may be auto, native, js or off`);
}

function nowhere(reason: string, { localPort }: Surroundings): RedisUnreachableError {
  return new RedisUnreachableError(`127.0.0.1:${localPort}`, `with ${reason} no server is started for you: set REDIS_URL, or give { url }`);
}

async function embedded(project: Project, mode: Mode, db: { db?: number }, around: Surroundings): Promise<Address> {
  const running = await joinOrStart(project, kindsOf[mode], around.env);
  const place = { path: running.socket, ...db };
  const greeting = await greet(place);
  const kind = greeting.name === 'js-redis-server' ? 'js' : 'native';
  if (mode !== 'auto' && mode !== kind) {
    const sentence = `HOTQUEUE_REDIS is "${mode}", but this project's server is ${greeting.name}: "npx hotqueue redis stop" ends it`;
    throw new InvalidOptionError('HOTQUEUE_REDIS', sentence);
  }
  around.say(banner(project, kind, greeting));
  return { ...address(place, 'embedded'), kind };
}

function banner(project: Project, kind: Kind, { name, version }: Greeting): string {
  const own = `using a ${name} ${version ?? ''} of this project's own, data in ${project.dataDir}; REDIS_URL or { url } names another`;
  if (kind === 'native') return own;
  const stored = hasStoredMessages(project) ? ` Messages that an earlier real server stored in ${project.dataDir} are not seen.` : '';
  return (
    `messages are in memory only, in a JavaScript engine for learning and tests: gone when it stops.${stored} ` +
    '"npx hotqueue redis install" gets a real one; REDIS_URL or { url } names yours'
  );
}

function address(place: Place, source: Address['source']): Address {
  return { options: place, label: labelOf(place), source };
}
