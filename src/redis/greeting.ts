import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { RedisUnreachableError, RedisUnsupportedError } from '../contract/errors.js';
import { engineField } from './embedded/identity.js';
import { isSupported } from './embedded/native.js';
import { labelOf, type Place } from './named-address.js';

/** What a server says of itself; `undefined` for what it keeps to itself. */
export interface Greeting {
  readonly name: 'Redis' | 'Valkey' | 'js-redis-server';
  readonly version: string | undefined;
  readonly pid: number | undefined;
}

/** Long enough for a name server and a TLS handshake across an ocean. */
const patienceMs = 5_000;

/** Restarted, failing over, or a network that shakes: somebody answered, and was cut off. */
const cutOff = /ECONNRESET|EPIPE|Connection is closed/;
const pauseMs = 100;

/**
 * Connects as a worker would, with password and database, and asks the server for its version; again for a while when it
 * is cut off in the middle.
 *
 * @throws RedisUnreachableError which says whether nobody answers, the password is wrong, or one is wanted
 * @throws RedisUnsupportedError below version 6.2
 */
export async function greet(place: Place): Promise<Greeting> {
  for (const givenUpAt = Date.now() + patienceMs; ; await pause(pauseMs)) {
    try {
      return await greetOnce(place);
    } catch (error) {
      const { cause } = error as Error;
      if (!(cause instanceof Error) || !cutOff.test(cause.message) || Date.now() > givenUpAt) throw error;
    }
  }
}

async function greetOnce(place: Place): Promise<Greeting> {
  const label = labelOf(place);
  const client = new Redis({ ...place, lazyConnect: true, connectTimeout: patienceMs, retryStrategy: () => null, maxRetriesPerRequest: 0 });
  // A database that does not exist is reported here only, and the client would go on in database 0.
  let trouble: Error | undefined;
  client.on('error', (error: Error) => (trouble ??= error));
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing was heard for ${patienceMs / 1000} s`)), patienceMs);
  });
  try {
    const info = await Promise.race([introduce(client), late]);
    if (trouble !== undefined) throw trouble;
    return understood(info, label);
  } catch (error) {
    if (error instanceof RedisUnsupportedError) throw error;
    const cause = trouble ?? error;
    throw new RedisUnreachableError(label, wayOut(cause), { cause });
  } finally {
    clearTimeout(timer);
    // Of a socket that closed by itself, ioredis would await the close for two seconds more.
    if (client.status !== 'end') client.disconnect();
  }
}

async function introduce(client: Redis): Promise<string> {
  await client.connect();
  try {
    return await client.info('server');
  } catch (error) {
    // A user who may not ask is still welcome.
    if (error instanceof Error && /^NOPERM|unknown command/i.test(error.message)) return '';
    throw error;
  }
}

function understood(info: string, label: string): Greeting {
  const field = (name: string): string | undefined => new RegExp(`^${name}:(.+?)\r?$`, 'm').exec(info)?.[1];
  const version = field('redis_version');
  if (version !== undefined && !isSupported(version)) throw new RedisUnsupportedError(label, version);
  const pid = Number(field('process_id'));
  const valkey = field('valkey_version');
  const engine = field(engineField);
  return {
    name: engine === undefined ? (valkey === undefined ? 'Redis' : 'Valkey') : 'js-redis-server',
    version: engine ?? valkey ?? version,
    pid: Number.isInteger(pid) && pid > 0 ? pid : undefined,
  };
}

function wayOut(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  if (/WRONGPASS|invalid password/i.test(message)) return `it refuses the user name or password (${message})`;
  if (/NOAUTH/.test(message)) return `it wants a password and was given none (${message}): write it into the url, redis://:password@host`;
  if (/DB index|out of range/i.test(message)) return `it has no such database (${message})`;
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
  const reason = message.includes(code ?? '') ? message : `${code}: ${message}`;
  return `${reason}. Start it, or correct the address; without an address hotqueue starts a server of its own`;
}
