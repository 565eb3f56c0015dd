import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { RedisUnreachableError, RedisUnsupportedError } from '../core/errors.js';
import { engineField } from '../embedded/identity.js';
import { isSupported } from '../embedded/native.js';
import { labelOf, type Endpoint } from './named-address.js';

/** Name, version and process id of a server. A value is `undefined` if the server does not report it. */
export interface Handshake {
  readonly name: 'Redis' | 'Valkey' | 'js-redis-server';
  readonly version: string | undefined;
  readonly pid: number | undefined;
}

/** Time limit of a handshake: long enough for DNS and TLS to a server on another continent. */
const patienceMs = 5_000;

/** The server accepted the connection and then lost it: it restarts or fails over, or the network is unstable. */
const cutOff = /ECONNRESET|EPIPE|Connection is closed/;
const pauseMs = 100;

/**
 * Performs a handshake: connects as a worker would, with password and database, and asks the server for its version. If the
 * connection breaks during the handshake, it tries again, for at most 5 s.
 *
 * @throws RedisUnreachableError if no server answers, or if the password is wrong or missing; the message says which
 * @throws RedisUnsupportedError if the version is below 6.2
 */
export async function handshake(endpoint: Endpoint): Promise<Handshake> {
  for (const givenUpAt = Date.now() + patienceMs; ; await pause(pauseMs)) {
    try {
      return await greetOnce(endpoint);
    } catch (error) {
      const { cause } = error as Error;
      if (!(cause instanceof Error) || !cutOff.test(cause.message) || Date.now() > givenUpAt) throw error;
    }
  }
}

async function greetOnce(endpoint: Endpoint): Promise<Handshake> {
  const label = labelOf(endpoint);
  const client = new Redis({
    ...endpoint,
    lazyConnect: true,
    connectTimeout: patienceMs,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
  });
  // ioredis reports a database that does not exist only as an event, and then continues in database 0.
  let trouble: Error | undefined;
  client.on('error', (error: Error) => (trouble ??= error));
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no reply within ${patienceMs / 1000} s`)), patienceMs);
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
    // If the socket has closed already, ioredis would wait two more seconds for it to close.
    if (client.status !== 'end') client.disconnect();
  }
}

async function introduce(client: Redis): Promise<string> {
  await client.connect();
  try {
    return await client.info('server');
  } catch (error) {
    // A user without permission for INFO can still use the queues.
    if (error instanceof Error && /^NOPERM|unknown command/i.test(error.message)) return '';
    throw error;
  }
}

function understood(info: string, label: string): Handshake {
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
  if (/WRONGPASS|invalid password/i.test(message))
    return `the server rejects the user name or password (${message}). Correct them`;
  if (/NOAUTH/.test(message))
    return `the server requires a password (${message}). Add it to the url: redis://:password@host`;
  if (/DB index|out of range/i.test(message))
    return `the server has no such database (${message}). Use another database number`;
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
  const reason = message.includes(code ?? '') ? message : `${code}: ${message}`;
  return `${reason}. Start the server or correct the address. Without an address, hotqueue starts its own server`;
}
