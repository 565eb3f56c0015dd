import { Command, type Cluster, type ClusterOptions, type Redis, type RedisOptions } from 'ioredis';
import { InvalidOptionError } from '../core/errors.js';

export type IoredisClient = Redis | Cluster;

/** Longest time that one of our commands blocks in the server. */
export const blockMs = 5_000;
/** Longest pause between two attempts to connect. When Redis returns, little of a lease is left, and the worker must renew it. */
export const longestRedialMs = 250;
/**
 * If commands are pending and no byte moves for this time, the connection is dead and is replaced. It is longer than a block,
 * because an idle connection to a healthy server must stay. It is shorter than two blocks, so that a half-open connection
 * ends within two blocks.
 */
export const deadAfterMs = blockMs + 2_000;

/**
 * What this library does with an option of a given client.
 *
 * - `kept`: it says how Redis is reached, so our clients have it too.
 * - `ours`: it would change replies, times or the order of commands. Our clients have our value, or the default of ioredis.
 * - `refused`: messages would be stored under other keys, or could not be stored. The option `connection` refuses such a client.
 */
export type OptionUse = 'kept' | 'ours' | 'refused';

/** All options of a `Redis` of ioredis. An option that is missing here does not compile. */
export const redisOptionUses = {
  host: 'kept',
  port: 'kept',
  path: 'kept',
  family: 'kept',
  tls: 'kept',
  db: 'kept',
  username: 'kept',
  password: 'kept',
  protocol: 'kept',
  Connector: 'kept',
  keepAlive: 'kept',
  noDelay: 'kept',
  connectionName: 'kept',
  disableClientInfo: 'kept',
  clientInfoTag: 'kept',
  sentinels: 'kept',
  name: 'kept',
  sentinelUsername: 'kept',
  sentinelPassword: 'kept',
  sentinelTLS: 'kept',
  enableTLSForSentinelMode: 'kept',
  sentinelMaxConnections: 'kept',
  updateSentinels: 'kept',
  failoverDetector: 'kept',
  natMap: 'kept',
  preferredSlaves: 'ours',
  sentinelRetryStrategy: 'ours',
  sentinelReconnectStrategy: 'ours',
  sentinelCommandTimeout: 'ours',
  connectTimeout: 'ours',
  disconnectTimeout: 'ours',
  commandTimeout: 'ours',
  blockingTimeout: 'ours',
  blockingTimeoutGrace: 'ours',
  socketTimeout: 'ours',
  retryStrategy: 'ours',
  reconnectOnError: 'ours',
  maxRetriesPerRequest: 'ours',
  maxLoadingRetryTime: 'ours',
  autoResubscribe: 'ours',
  autoResendUnfulfilledCommands: 'ours',
  enableReadyCheck: 'ours',
  enableOfflineQueue: 'ours',
  offlineQueue: 'ours',
  commandQueue: 'ours',
  enableAutoPipelining: 'ours',
  autoPipeliningIgnoredCommands: 'ours',
  lazyConnect: 'ours',
  monitor: 'ours',
  readOnly: 'ours',
  replyMapping: 'ours',
  stringNumbers: 'ours',
  showFriendlyErrorStack: 'ours',
  scripts: 'ours',
  himportFieldsets: 'ours',
  keyPrefix: 'refused',
  role: 'refused', // unless it is "master"
} as const satisfies Record<keyof RedisOptions | 'sentinelUsername', OptionUse>;

/** All options of a `Cluster` of ioredis. An option that is missing here does not compile. */
export const clusterOptionUses = {
  redisOptions: 'kept', // by the table above
  slotsRefreshTimeout: 'kept',
  slotsRefreshInterval: 'kept',
  useSRVRecords: 'kept',
  resolveSrv: 'kept',
  dnsLookup: 'kept',
  natMap: 'kept',
  clusterRetryStrategy: 'ours',
  clusterNodeRetryStrategy: 'ours',
  enableOfflineQueue: 'ours',
  enableReadyCheck: 'ours',
  scaleReads: 'ours',
  maxRedirections: 'ours',
  retryDelayOnMoved: 'ours',
  retryDelayOnFailover: 'ours',
  retryDelayOnClusterDown: 'ours',
  retryDelayOnTryAgain: 'ours',
  shardedSubscribers: 'ours',
  lazyConnect: 'ours',
  enableAutoPipelining: 'ours',
  autoPipeliningIgnoredCommands: 'ours',
  showFriendlyErrorStack: 'ours',
  scripts: 'ours',
  himportFieldsets: 'ours',
  keyPrefix: 'refused',
} as const satisfies Record<keyof ClusterOptions, OptionUse>;

/** Our settings that differ from the defaults of ioredis. Never set `blockingTimeout` and `commandTimeout`: they lose messages. */
export const ownRedisOptions = {
  lazyConnect: true,
  // A command fails at once when the connection breaks. `Connection.call` sends it again, under the same number.
  maxRetriesPerRequest: 0,
  connectTimeout: 5_000,
  // The check is an INFO, which may be forbidden. Without it, a server that loads its data answers LOADING to each command.
  enableReadyCheck: false,
  // The default asks the sentinels for ever, so no call would reach the end of its patience.
  sentinelRetryStrategy: () => null,
} satisfies RedisOptions;

/** For the nodes of a cluster. There, ioredis checks each connection itself. */
const ownNodeOptions = { ...ownRedisOptions, socketTimeout: deadAfterMs, lazyConnect: false } satisfies RedisOptions;

export const isCluster = (client: IoredisClient): client is Cluster => client.isCluster;

/** A client of ours that reaches the same Redis as a given one, and has none of its other settings. */
export function ownClient(given: IoredisClient, retryStrategy: (times: number) => number | null): IoredisClient {
  if (!isCluster(given)) {
    return given.duplicate({ ...overriding(given.options, redisOptionUses), ...ownRedisOptions, retryStrategy });
  }
  const redisOptions = { ...overriding(given.options.redisOptions ?? {}, redisOptionUses), ...ownNodeOptions };
  const options = { ...overriding(given.options, clusterOptionUses), redisOptions, lazyConnect: true };
  return given.duplicate([], { ...options, clusterRetryStrategy: retryStrategy });
}

/** Sets every option to `undefined` that is not kept: ioredis has its default then. Options that this version does not know, too. */
function overriding(given: object, uses: Readonly<Record<string, OptionUse>>): Record<string, undefined> {
  const foreign = Object.keys(given).filter((name) => uses[name] !== 'kept');
  return Object.fromEntries(foreign.map((name) => [name, undefined]));
}

/** Replies of each kind, as ioredis gives them to a transformer. */
const replies = [['field', '1'], 1, 'OK', null];
/** The only reply that ioredis itself transforms for us. */
const hash = JSON.stringify({ field: '1' });
export const usedCommands = (
  'blmove config del eval evalsha exists get hdel hexists hget hgetall hkeys hlen hmget hscan hset hvals info lindex llen lrange pexpire ping ' +
  'sadd scan set smembers srandmember srem subscribe time type unsubscribe zadd zcard zcount zrange zrangebyscore zrem zrevrange zrevrangebyscore zscan zscore ' +
  'hsetnx xack xautoclaim xclaim xgroup xrange xread xreadgroup xrevrange'
).split(' ');

/**
 * A transformer that the program has set with `Command.setReplyTransformer` or `setArgumentTransformer` holds for every client of
 * ioredis in the process, also for ours.
 *
 * @throws InvalidOptionError if one changes a command that this library uses
 */
export function refuseTransformers(): void {
  const changed = usedCommands.find((name) => !isUntransformed(name));
  if (changed === undefined) return;
  throw new InvalidOptionError(
    'connection',
    `the program has set an ioredis transformer for the command "${changed}", which hotqueue uses: remove it, and convert arguments and replies where you send the command`,
  );
}

function isUntransformed(name: string): boolean {
  const given = ['key', 'field', '1'];
  const command = new Command(name, [...given], { replyEncoding: 'utf8' });
  const transformed = command as unknown as { transformReply(reply: unknown): unknown };
  const isSame = (reply: unknown, index: number): boolean => {
    const expected = name === 'hgetall' && index === 0 ? hash : JSON.stringify(replies[index]);
    return JSON.stringify(reply) === expected;
  };
  return (
    JSON.stringify(command.args) === JSON.stringify(given) &&
    replies.every((reply, index) => isSame(transformed.transformReply(reply), index))
  );
}
