import { lookup, resolveSrv } from 'node:dns';
import { clusterOptionUses, isCluster, redisOptionUses, type IoredisClient, type OptionUse } from './client-options.js';

/** How another thread connects to the same Redis: plain data, which can be posted to it. */
export interface PortableAddress {
  /** Of a cluster. */
  readonly nodes?: readonly unknown[];
  /** For `new Redis(options)`, or `new Cluster(nodes, options)`. */
  readonly options: object;
}

const defaultFunctions = new Set<unknown>([lookup, resolveSrv]);

/** The address of a client; `undefined` if its options have functions that it needs to connect, such as `tls.checkServerIdentity`. */
export function portableAddress(client: IoredisClient): PortableAddress | undefined {
  if (!isCluster(client)) return portable({ options: reaching(client.options, redisOptionUses) });
  const { startupNodes, options } = client as unknown as { startupNodes: readonly unknown[]; options: object };
  const { redisOptions = {} } = options as { redisOptions?: object };
  return portable({
    nodes: startupNodes,
    options: { ...reaching(options, clusterOptionUses), redisOptions: reaching(redisOptions, redisOptionUses) },
  });
}

/** The options that say how Redis is reached, without the defaults of ioredis. The thread has its own for all others. */
function reaching(options: object, uses: Readonly<Record<string, OptionUse>>): object {
  const entries = Object.entries(options);
  return Object.fromEntries(
    entries.filter(([name, value]) => uses[name] === 'kept' && value !== undefined && !defaultFunctions.has(value)),
  );
}

function portable(address: PortableAddress): PortableAddress | undefined {
  try {
    return structuredClone(address);
  } catch {
    return undefined; // a function, or an object such as a SecureContext
  }
}
