-- include _claims.lua
-- leave: worker -> (gone); its active messages -> waiting (head), attempts not counted
-- KEYS  1 claims of this worker (hash, _claims.lua)  2 workers (zset)  3 quarantine  4 requeued  5 inbox  6 high  7 base  8 low (lists)
--       9 registry  10 meta  11 heartbeats  12 commands  13 registry of the earlier layouts (hashes)
-- ARGV  1 worker  2 its last heartbeat report
-- Returns how many messages went back
--
-- All messages in the claims hash go back, also those of a take if its reply was lost.
local claims, workers, quarantine, requeued, inbox, high, base, low, registry, meta, heartbeats, commands, earlier = unpack(KEYS)
local worker = ARGV[1]
local lanes = {a = requeued, b = base, h = high, l = low, s = quarantine}
redis.call('ZREM', workers, '') -- Redis allows this when out of memory, and then all later writes
while redis.call('LMOVE', inbox, base, 'RIGHT', 'LEFT') do end

local released = 0
for _, take in ipairs(takesOf(claims)) do
  eachUnsettled(take, function(lane, message)
    redis.call('LPUSH', lanes[lane], message)
    released = released + 1
  end)
end
redis.call('DEL', claims)
redis.call('ZREM', workers, worker)
-- Only the call that removes the worker from the registry adds its counts to the totals of the queue. A repeated call adds nothing.
if redis.call('HDEL', registry, worker) == 1 then
  local done, failed = string.match(ARGV[2], '^(%d+) (%d+) ')
  if done then
    redis.call('HINCRBY', meta, 'done', done)
    redis.call('HINCRBY', meta, 'failed', failed)
  end
end
redis.call('HDEL', heartbeats, worker)
redis.call('HDEL', commands, worker)
if redis.call('EXISTS', registry) == 0 then redis.call('DEL', earlier) end -- see join.lua

if redis.call('LLEN', base) == 0 then
  for _, list in ipairs({high, low}) do
    if redis.call('LMOVE', list, base, 'LEFT', 'LEFT') then break end
  end
end
return released
