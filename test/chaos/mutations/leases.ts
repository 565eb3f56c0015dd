import { lua, type Mutant } from './mutant.js';

/** Leases, heartbeats, recovery, and the time of a queue. */
export const leases: readonly Mutant[] = [
  {
    name: 'recover-live-workers',
    breaks: 'only a worker whose lease has ended is recovered',
    file: lua('recover'),
    // Both checks: without the first one, the check after the extension of leases still refuses a worker that lives.
    find: `if ends and tonumber(ends) > now then return {-1, math.ceil(ends - now)} end

if ends then
  local seen = tonumber(redis.call('HGET', meta, 'seen') or 0)
  extendAfterOutage(workers, seen, now, lease)
  ends = redis.call('ZSCORE', workers, worker)
  if tonumber(ends) > now then
    redis.call('HSET', meta, 'seen', now)
    return {-1, math.ceil(ends - now)}
  end
end`,
    replace: '',
    hunters: ['SIM'],
  },
  {
    name: 'recover-after-an-outage',
    breaks: 'an outage of the server ends the lease of no worker',
    file: lua('recover'),
    find: 'extendAfterOutage(workers, seen, now, lease)',
    replace: '',
    hunters: ['SIM'],
  },
  {
    name: 'outages-extend-without-end',
    breaks: 'a lease is extended once between two heartbeats of its worker',
    file: lua('_lib'),
    find: 'if leases[at + 1] % 1 == 0 then',
    replace: 'if true then',
    hunters: ['SIM'],
  },
  {
    name: 'join-after-an-outage',
    breaks: 'a join after an outage of the server extends all leases',
    file: lua('join'),
    find: "extendAfterOutage(workers, tonumber(redis.call('HGET', meta, 'seen') or now), now, tonumber(ARGV[3]))",
    replace: '',
    hunters: ['SIM'],
  },
  {
    name: 'beat-after-an-outage',
    breaks: 'the first heartbeat after an outage of the server extends all leases',
    file: lua('beat'),
    find: 'extendAfterOutage(workers, tonumber(seen or now), now, lease)',
    replace: '',
    hunters: ['SIM'],
  },
  {
    name: 'late-join-registers',
    breaks: 'a late join does not register a worker that has left',
    file: lua('join'),
    find: "if redis.call('ZSCORE', left, ARGV[1]) then return {-2} end",
    replace: '',
    hunters: ['SIM'],
  },
  {
    name: 'leave-remembers-nothing',
    breaks: 'Redis remembers for a lease which workers have left',
    file: lua('leave'),
    find: "redis.call('ZADD', KEYS[14], 'NX', now, ARGV[1])",
    replace: '',
    hunters: ['SIM'],
  },
  {
    name: 'time-runs-backwards',
    breaks: 'leases end and delayed messages are due as before when the clock of the server is set back',
    file: lua('_lib'),
    find: 'if clock >= time then return clock, 0 end',
    replace: 'if true then return clock, 0 end',
    hunters: ['F34'],
  },
  {
    name: 'time-stands-still',
    breaks: 'the time of a queue goes on after the clock of the server was set back',
    file: lua('_lib'),
    find: 'ahead = math.max(ahead, time - clock)',
    replace: 'ahead = time - clock',
    hunters: ['F34'],
  },
  {
    name: 'short-programs-recover-nothing',
    breaks: 'a take that finds nothing, and the first take of a worker, recover workers whose lease has ended',
    file: 'consumer/fetcher.ts',
    find: 'reply.hints.lease?.endsInMs === 0 && (isNew || claims.length === 0)',
    replace: 'false',
    hunters: ['F35'],
  },
  {
    name: 'recover-no-worker',
    breaks: 'the active messages of a dead worker are given back',
    file: 'maintenance/recoverer.ts',
    find: 'const found = await broker.recover(worker, wire, { withinMs: 0 });',
    replace: 'const found = { endsInMs: 1_000 } as Awaited<ReturnType<typeof broker.recover>>;',
    hunters: ['F02'],
  },
  {
    name: 'recover-leaves-registered',
    breaks: 'a worker that lost its lease can settle nothing, and gets the reply "lost"',
    file: lua('_lib'),
    find: "redis.call('ZREM', workers, worker)",
    replace: '',
    and: [{ file: lua('recover'), find: "redis.call('ZREM', workers, worker)", replace: '' }],
    hunters: ['SIM', 'F02'],
  },
  {
    name: 'beat-registers-again',
    breaks: 'a heartbeat only extends the lease of a registered worker',
    file: lua('beat'),
    find: "if not redis.call('ZSCORE', workers, worker) then return {-1, -1, ''} end",
    replace: '',
    hunters: ['SIM', 'F02'],
  },
  {
    name: 'beat-keeps-unknown-takes',
    breaks: 'a heartbeat gives back takes that its worker does not know',
    file: lua('beat'),
    find: 'if hasUnknown then',
    replace: 'if false then',
    hunters: ['SIM'],
  },
  {
    name: 'beat-restores-no-acks',
    breaks: 'a heartbeat writes acknowledgements again that a failover rolled back',
    file: lua('beat'),
    find: 'acknowledge(claims, ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3])',
    replace: '',
    hunters: ['SIM'],
  },
  {
    name: 'beat-reports-no-takes',
    breaks: 'a heartbeat reports the takes that its worker holds',
    file: 'consumer/session.ts',
    find: 'this.takes.map((take) => this.#asForBeat(take))',
    replace: '[]',
    hunters: ['F10', 'F15'],
  },
  {
    name: 'beat-gives-back-take-in-flight',
    breaks: 'a heartbeat does not give back the messages of a take whose reply is on its way',
    file: lua('beat'),
    find: `  if number and tonumber(number) < tonumber(ARGV[3]) and not known[field] then hasUnknown = true end
end
if hasUnknown then
  local lists = waitingLists(4)
  emptyInbox(lists)
  for _, take in ipairs(takesOf(claims)) do
    if take.number < tonumber(ARGV[3]) and not`,
    replace: `  if number and not known[field] then hasUnknown = true end
end
if hasUnknown then
  local lists = waitingLists(4)
  emptyInbox(lists)
  for _, take in ipairs(takesOf(claims)) do
    if not`,
    hunters: ['SIM', 'F04'],
  },
  {
    name: 'no-beat',
    breaks: 'a worker renews its lease while a handler runs',
    file: 'maintenance/service.ts',
    find: 'if (this.#isBehind || this.#ticks % ticksPerBeat === 0) this.#beatAll();',
    replace: 'void ticksPerBeat;',
    hunters: ['F10', 'F15', 'F04'],
  },
  {
    name: 'recover-deletes-claims-first',
    breaks: 'recovery gives messages back before it deletes their claims',
    file: lua('recover'),
    find: 'local waiting, quarantined, buried = 0, 0, 0',
    replace: `redis.call('DEL', claims)
local waiting, quarantined, buried = 0, 0, 0`,
    hunters: ['F30'],
  },
  {
    name: 'join-beside-older-workers',
    breaks: 'a worker does not join workers that store claims in the format of version 1',
    file: lua('join'),
    find: "local layout = kind == 'set' and '1' or",
    replace: 'local layout =',
    hunters: ['SIM'],
  },
  {
    name: 'join-shuts-out-no-older-workers',
    breaks: 'a worker of an earlier version does not join workers of this version',
    file: lua('join'),
    find: "redis.call('HSET', earlier, 'layout', layout)",
    replace: '',
    hunters: ['SIM'],
  },
  {
    name: 'join-beside-newer-workers',
    breaks: 'a worker does not join workers that store claims in another format',
    file: lua('join'),
    find: 'if layout ~= ARGV[6] then return {-1, layout} end',
    replace: '',
    hunters: ['SIM'],
  },
  {
    name: 'no-fence',
    breaks: 'a worker that Redis does not answer aborts its handlers before its lease ends',
    file: 'consumer/session.ts',
    find: 'if (!this.worker || this.isProven) return;',
    replace: 'if (!this.worker || this.isProven || true) return;',
    hunters: ['F05f'],
  },
  {
    name: 'blocked-worker-is-not-renewed',
    breaks: 'a thread renews the lease of a worker while its handler blocks the event loop',
    file: 'consumer/lease-thread.ts',
    find: 'renew(lease).catch(() => undefined);',
    replace: 'void renew;',
    hunters: ['F40'],
  },
  {
    name: 'thread-forgets-renewals',
    breaks: 'a worker knows that the thread has renewed its lease, and aborts nothing after its handler has blocked',
    file: 'consumer/session.ts',
    find: 'this.#lease?.renewedAt ?? 0',
    replace: '0',
    hunters: ['F40'],
  },
  {
    name: 'unbegun-stay-with-a-blocked-process',
    breaks: 'while a handler computes, a thread gives back what has not begun',
    file: 'consumer/lease-thread.ts',
    find: 'giveBack(lease).catch(() => undefined);',
    replace: 'void giveBack;',
    hunters: ['F43'],
  },
];
