import { Cluster, Redis } from 'ioredis';
import type { QueueOptions } from '../../src/index.js';

/** How a process reaches Redis: by an address, or with an ioredis client that it creates, as user code does. */
export type Road =
  | { readonly url: string }
  | { readonly sentinels: readonly number[]; readonly group: string }
  | { readonly cluster: readonly number[] };

const at = (port: number) => ({ host: '127.0.0.1', port });

/** A client with the defaults of ioredis: the library must work with the clients that users have. */
export function clientFor(road: Exclude<Road, { url: string }>): Redis | Cluster {
  const client =
    'cluster' in road
      ? new Cluster(road.cluster.map(at))
      : new Redis({ sentinels: road.sentinels.map(at), name: road.group });
  client.on('error', () => {}); // a failed call reports its own error
  return client;
}

/** Queue options for a road, and a function that closes the client that they use. */
export function connect(road: Road): { options: Pick<QueueOptions, 'url' | 'connection'>; close: () => void } {
  if ('url' in road) return { options: { url: road.url }, close: () => {} };
  const client = clientFor(road);
  return { options: { connection: client }, close: () => client.disconnect() };
}
