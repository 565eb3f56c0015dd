import type { ServerFacts } from '../../inspect/server-facts.js';
import { engineField } from '../../embedded/identity.js';
import { ok, problem, warning, type Finding } from './finding.js';

/** Judges the facts about a server: can it lose or refuse messages? Pure. */
export function judgeServer(facts: ServerFacts): Finding[] {
  return [
    eviction(facts),
    memory(facts),
    persistence(facts),
    ...writes(facts),
    clock(facts),
    latency(facts),
    replication(facts),
    ...cluster(facts),
  ].filter((finding) => finding !== undefined);
}

function eviction({ info }: ServerFacts): Finding | undefined {
  const policy = info.get('maxmemory_policy');
  if (policy === undefined) return undefined;
  const most = Number(info.get('maxmemory') ?? 0);
  if (policy === 'noeviction')
    return ok('eviction', 'noeviction: when memory is full, the server refuses put, and no message is lost');
  const fix = 'set maxmemory-policy to noeviction (redis-cli CONFIG SET, and in redis.conf)';
  if (most === 0) return warning('eviction', `${policy}, but nothing is evicted without a maxmemory`, fix);
  if (policy.startsWith('volatile-'))
    return warning(
      'eviction',
      `${policy}: Redis may forget your own ids early, and then a message that is put again is stored twice`,
      fix,
    );
  return problem('eviction', `${policy}: when memory is full, the server deletes whole queues`, fix);
}

function memory({ info }: ServerFacts): Finding | undefined {
  const used = Number(info.get('used_memory') ?? NaN);
  const most = Number(info.get('maxmemory') ?? 0);
  if (Number.isNaN(used)) return undefined;
  const mib = (bytes: number): string => `${(bytes / 1_048_576).toFixed(1)} MiB`;
  if (most === 0) return ok('memory', `${mib(used)} in use, no limit`);
  const says = `${mib(used)} of ${mib(most)} in use`;
  return used / most < 0.9
    ? ok('memory', says)
    : warning(
        'memory',
        says,
        'let workers drain the queues, or raise maxmemory: the server refuses put when memory is full',
      );
}

function persistence({ info, config }: ServerFacts): Finding {
  const check = 'persistence';
  if (info.has(engineField))
    return warning(
      check,
      'none: the JavaScript engine keeps messages in memory only',
      'use it only for learning and tests; "hotqueue redis install" installs a real server',
    );
  const fix = 'set appendonly yes (redis-cli CONFIG SET, and in redis.conf)';
  if (info.get('aof_enabled') === '1') return appending(config?.get('appendfsync'));
  const save = config?.get('save');
  if (save === '') return warning(check, 'none: a restart of the server loses every message', fix);
  return warning(
    check,
    `snapshots only${save === undefined ? ', if any' : ` (save ${save})`}: a crash loses messages put since the last snapshot`,
    fix,
  );
}

function appending(fsync: string | undefined): Finding {
  const check = 'persistence';
  if (fsync === 'always') return ok(check, 'append-only file, appendfsync always: a crash of the server loses nothing');
  if (fsync === 'no')
    return warning(
      check,
      'append-only file, appendfsync no: a crash loses data that the system had not written to disk',
      'set appendfsync everysec or always',
    );
  const why = 'a crash of the server loses up to two seconds; "always" loses nothing';
  return ok(
    check,
    fsync === undefined
      ? 'append-only file; the server does not say how often it is written'
      : `append-only file, appendfsync ${fsync}: ${why}`,
  );
}

/** Failed writes to disk. A server that cannot write its files refuses put. */
function writes({ info }: ServerFacts): (Finding | undefined)[] {
  const failed = (field: string, what: string): Finding | undefined =>
    info.get(field) === 'err'
      ? problem(
          'disk',
          `the last ${what} failed`,
          "check the server's log and its free disk space: it may refuse every write",
        )
      : undefined;
  return [
    failed('aof_last_write_status', 'write of the append-only file'),
    failed('aof_last_bgrewrite_status', 'rewrite of the append-only file'),
    failed('rdb_last_bgsave_status', 'snapshot'),
  ];
}

function clock({ clockAheadMs }: ServerFacts): Finding {
  const seconds = Math.abs(clockAheadMs) / 1_000;
  const says =
    seconds < 0.1
      ? "the server's clock agrees with this machine's"
      : `the server's clock is ${seconds.toFixed(1)} s ${clockAheadMs > 0 ? 'ahead of' : 'behind'} this machine's`;
  if (seconds <= 1) return ok('clock', says);
  const means = `${says}: "at" and "ttl" are early or late by this time`;
  return (seconds > 30 ? problem : warning)('clock', means, 'set both clocks with NTP or chrony');
}

function latency({ roundTripsMs }: ServerFacts): Finding {
  const middle = roundTripsMs[Math.floor(roundTripsMs.length / 2)]!;
  const says = `${middle.toFixed(1)} ms for a command (median), ${roundTripsMs.at(-1)!.toFixed(1)} ms for the slowest of ${roundTripsMs.length}`;
  return middle <= 20
    ? ok('latency', says)
    : warning(
        'latency',
        says,
        'put many messages at once (putAll), give workers more concurrency, or run them closer to Redis',
      );
}

function replication({ info }: ServerFacts): Finding | undefined {
  const role = info.get('role');
  if (role === 'slave')
    return problem(
      'replication',
      `this is a replica of ${info.get('master_host')}:${info.get('master_port')}, and a replica accepts no writes`,
      'use the address of the master, or a proxy or DNS name that follows it',
    );
  const replicas = Number(info.get('connected_slaves') ?? 0);
  if (role === undefined) return undefined;
  return ok(
    'replication',
    replicas === 0
      ? 'none'
      : `${replicas} replica(s), asynchronous: a failover may lose the messages put just before it`,
  );
}

function cluster({ info }: ServerFacts): (Finding | undefined)[] {
  if (info.get('cluster_enabled') !== '1') return [];
  return [
    warning(
      'cluster',
      'this is a node of a cluster: with an address alone you reach the queues of this node only',
      'in programs, pass { connection: new Cluster(…) }; all keys of a queue are on one node',
    ),
  ];
}
