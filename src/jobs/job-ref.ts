import { Broker } from '../redis/broker.js';
import type { Connection } from '../redis/connection.js';
import { Keys } from '../redis/keys.js';

/** A job, in any queue of one Redis. */
export interface JobRef {
  readonly queue: string;
  readonly prefix: string;
  readonly id: string;
}

/** A job as it is written in Redis: no part of it has a space or a quote. */
export const refText = ({ prefix, queue, id }: JobRef): string => `${prefix} ${queue} ${id}`;

export function refIn(text: string): JobRef {
  const [prefix = '', queue = '', id = ''] = text.split(' ');
  return { prefix, queue, id };
}

/** A job of the queue with these keys. */
export function refOf({ names, base }: Keys, id: string): JobRef {
  return { prefix: names, queue: base.slice(names.length + 1), id };
}

/** The base key of its queue. */
export const baseOf = ({ prefix, queue }: Omit<JobRef, 'id'>): string => `${prefix}:${queue}`;

/** Where a job is, as a broker of its own queue. */
export function brokerOf(connection: Connection, { queue, prefix }: JobRef): Broker {
  return new Broker(connection, new Keys(queue, prefix));
}
