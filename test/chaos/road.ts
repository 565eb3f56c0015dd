import { Cluster, Redis } from 'ioredis';
import type { QueueOptions } from '../../src/index.js';

/** How a process reaches Redis: an address of ours to dial, or a client that it makes itself, as its own code would. */
export type Road =
  | { readonly url: string }
  | { readonly sentinels: readonly number[]; readonly group: string }
  | { readonly cluster: readonly number[] };

const at = (port: number) => ({ host: '127.0.0.1', port });

/** A client with ioredis' defaults: the library must cope with what users have. */
export function clientFor(road: Exclude<Road, { url: string }>): Redis | Cluster {
  const client = 'cluster' in road ? new Cluster(road.cluster.map(at)) : new Redis({ sentinels: road.sentinels.map(at), name: road.group });
  client.on('error', () => {}); // what fails is told by whoever asked
  return client;
}

/** The options of a queue on that road, and how to end what they opened. */
export function connect(road: Road): { options: Pick<QueueOptions, 'url' | 'connection'>; close: () => void } {
  if ('url' in road) return { options: { url: road.url }, close: () => {} };
  const client = clientFor(road);
  return { options: { connection: client }, close: () => client.disconnect() };
}
