import { lookup, resolveSrv } from 'node:dns';
import { Cluster } from 'ioredis';
import type { IoredisClient } from './redis-client.js';

/** How another thread connects to the same Redis: plain data, which can be posted to it. */
export interface PortableAddress {
  /** Of a cluster. */
  readonly nodes?: readonly unknown[];
  /** For `new Redis(options)`, or `new Cluster(nodes, options)`. */
  readonly options: object;
}

/** Functions of ioredis options that say when to connect again, not where to. The thread has rules of its own for that. */
const aboutRetries = new Set([
  'retryStrategy',
  'reconnectOnError',
  'sentinelRetryStrategy',
  'sentinelReconnectStrategy',
  'clusterRetryStrategy',
]);
const defaultFunctions = new Set<unknown>([lookup, resolveSrv]);

/** The address of a client; `undefined` if its options have functions that it needs to connect, such as `tls.checkServerIdentity`. */
export function portableAddress(client: IoredisClient): PortableAddress | undefined {
  if (!(client instanceof Cluster)) return portable({ options: plain(client.options) });
  const { startupNodes, options } = client as unknown as { startupNodes: readonly unknown[]; options: object };
  const { redisOptions = {} } = options as { redisOptions?: object };
  return portable({
    nodes: startupNodes,
    options: { ...plain(options), redisOptions: plain(redisOptions) },
  });
}

function plain(options: object): object {
  const entries = Object.entries(options);
  return Object.fromEntries(
    entries.filter(([name, value]) => !aboutRetries.has(name) && value !== undefined && !defaultFunctions.has(value)),
  );
}

function portable(address: PortableAddress): PortableAddress | undefined {
  try {
    return structuredClone(address);
  } catch {
    return undefined; // a function, or an object such as a SecureContext
  }
}
