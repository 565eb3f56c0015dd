import type { QueueOptions } from 'hotqueue';

/** The options of every command that talks to Redis. */
export interface RedisFlags {
  readonly url?: string;
  readonly host?: string;
  readonly port?: number;
  readonly db?: number;
  readonly password?: string;
  readonly prefix?: string;
  readonly json?: boolean;
}

/** The address in the flags, as {@link QueueOptions}. */
export function addressOf({ url, host, port, db, password, prefix }: RedisFlags): QueueOptions {
  const given = { url, host, port, db, password, prefix };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}
