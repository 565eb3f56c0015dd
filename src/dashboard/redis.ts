import { findOrphans } from '../cli/doctor/orphans.js';
import { judgeServer } from '../cli/doctor/judge-server.js';
import { readServer } from '../inspect/server-facts.js';
import type { RedisView } from './api.js';
import type { Sources } from './sources.js';

/** The checks read all keys of the queues, so several visitors share them for this time. */
const sharedMs = 30_000;

const shared = new WeakMap<Sources, { readonly at: number; readonly view: Promise<RedisView> }>();

/** Facts about the server, and the findings of `hotqueue doctor` about it and its queues. At most 30 s old. */
export function redisView(sources: Sources): Promise<RedisView> {
  const last = shared.get(sources);
  if (last && performance.now() - last.at < sharedMs) return last.view;
  const view = read(sources);
  shared.set(sources, { at: performance.now(), view });
  view.catch(() => shared.delete(sources));
  return view;
}

async function read({ options: { address, names } }: Sources): Promise<RedisView> {
  const server = await readServer(address);
  const findings = [...judgeServer(server), ...(names.length > 0 ? [] : await findOrphans(address))];
  return {
    facts: factsOf(server.info, server.roundTripsMs),
    findings: findings.map(({ check, status, says, fix }) => ({ check, status, says, fix: fix ?? null })),
    readAt: Date.now(),
  };
}

function factsOf(info: ReadonlyMap<string, string>, roundTripsMs: readonly number[]): RedisView['facts'] {
  const most = Number(info.get('maxmemory') ?? 0);
  const version = info.get('valkey_version') ?? info.get('redis_version');
  const facts: [string, string | undefined][] = [
    ['version', version && `${info.has('valkey_version') ? 'Valkey' : 'Redis'} ${version}`],
    ['role', info.get('role') === 'slave' ? 'replica' : info.get('role')],
    ['uptime', durationText(Number(info.get('uptime_in_seconds') ?? NaN))],
    ['memory', bytesText(Number(info.get('used_memory') ?? NaN))],
    ['memory limit', most === 0 ? 'none' : bytesText(most)],
    ['eviction policy', info.get('maxmemory_policy')],
    ['append-only file', info.has('aof_enabled') ? (info.get('aof_enabled') === '1' ? 'on' : 'off') : undefined],
    ['clients', info.get('connected_clients')],
    ['commands per second', info.get('instantaneous_ops_per_sec')],
    ['round trip', `${roundTripsMs[Math.floor(roundTripsMs.length / 2)]!.toFixed(2)} ms (median)`],
  ];
  return facts.flatMap(([name, value]) => (value === undefined ? [] : [{ name, value }]));
}

function bytesText(bytes: number): string | undefined {
  return Number.isNaN(bytes) ? undefined : `${(bytes / 1_048_576).toFixed(1)} MiB`;
}

function durationText(seconds: number): string | undefined {
  if (Number.isNaN(seconds)) return undefined;
  const [size, unit] = (
    [
      [86_400, 'days'],
      [3_600, 'hours'],
      [60, 'minutes'],
    ] as const
  ).find(([size]) => seconds >= size) ?? [1, 'seconds'];
  return `${Math.floor(seconds / size)} ${unit}`;
}
