import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { type HotQueueError, RedisUnreachableError, RedisUnsupportedError } from '../core/errors.js';
import { engineField } from '../embedded/identity.js';
import { isSupported } from '../embedded/native.js';
import { labelOf, type Endpoint } from './named-address.js';
import { replyCodeOf, typedError, withoutSecrets, wordsOf } from './server-errors.js';

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
 * @throws RedisUnreachableError if no server answers
 * @throws RedisRefusedError if the server answers and refuses: the password is wrong or missing, or it loads its data
 * @throws RedisUnsupportedError if the version is below 6.2
 */
export async function handshake(endpoint: Endpoint): Promise<Handshake> {
  for (const givenUpAt = performance.now() + patienceMs; ; await pause(pauseMs)) {
    try {
      return await greetOnce(endpoint);
    } catch (error) {
      const { cause } = error as Error;
      if (!(cause instanceof Error) || !cutOff.test(cause.message) || performance.now() > givenUpAt) throw error;
    }
  }
}

async function greetOnce(endpoint: Endpoint): Promise<Handshake> {
  const label = labelOf(endpoint);
  const client = new Redis({
    ...endpoint,
    lazyConnect: true,
    connectTimeout: patienceMs,
    enableReadyCheck: false, // it is an INFO, which may be forbidden
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
    throw explained(trouble ?? error, label);
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
    // A user without permission for INFO, or a server that has renamed it, can still serve the queues.
    if (!/^NOPERM|unknown command/i.test((error as Error).message)) throw error;
    await client.time(); // a server that is not ready yet refuses this
    return '';
  }
}

/** The error to throw: a server that replies with an error has refused, and one that does not is unreachable. */
function explained(cause: unknown, label: string): HotQueueError {
  if (replyCodeOf(cause) !== undefined) return typedError(cause, label, false);
  withoutSecrets(cause);
  const advice = `${wordsOf(cause)}. Start the server or correct the address. Without an address, hotqueue starts its own server`;
  return new RedisUnreachableError(label, advice, { cause });
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
