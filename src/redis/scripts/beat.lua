-- include _claims.lua
-- beat: worker -> worker with a renewed lease; active messages of takes that the worker does not know -> waiting (head)
-- KEYS  1 claims of this worker (hash, _claims.lua)  2 workers (zset)  3 meta (hash)  4 quarantine  5 requeued  6 inbox  7 high  8 base
--       9 low (lists)  10 heartbeats  11 commands (hashes)
-- ARGV  1 worker  2 lease in ms  3 number of its current take  4 heartbeat report  5.. for each take that it knows: number, how
--       many of its messages are acknowledged, of how many, and which
-- Returns {status, ms until the first lease ends, worker of that lease, 1 if someone watches, command for this worker or ''};
--         status 0 renewed, -1 the lease was lost
--
-- The worker does not know a take with a lower number if the reply was lost, or if a failover restored the take. An
-- acknowledgement that a failover rolled back is written again.
local claims, workers, meta, quarantine, requeued, inbox, high, base, low, heartbeats, commands = unpack(KEYS)
local worker, lease = ARGV[1], tonumber(ARGV[2])
local lanes = {a = requeued, b = base, h = high, l = low, s = quarantine}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREM', workers, '') -- Redis allows this when out of memory, and then all later writes
if not redis.call('ZSCORE', workers, worker) then return {-1, -1, ''} end

-- A living worker beats every third of a lease. If no worker has beaten for 0.4 of a lease, the server was unreachable for
-- all of them. Then no worker counts as dead, and every lease gets at least another third. (With 0.6, a worker had no time
-- left if its last heartbeat was sent before an outage of half a lease.)
if now - tonumber(redis.call('HGET', meta, 'seen') or now) > 0.4 * lease then
  for _, other in ipairs(redis.call('ZRANGEBYSCORE', workers, '-inf', now + lease / 3)) do
    redis.call('ZADD', workers, math.floor(now + lease / 3), other)
  end
end
redis.call('HSET', meta, 'seen', now)
redis.call('ZADD', workers, now + lease, worker)
redis.call('HSET', heartbeats, worker, ARGV[4])

local known = {}
for at = 5, #ARGV, 4 do
  local field = 'a' .. ARGV[at]
  known['t' .. ARGV[at]] = true
  local stored = redis.call('HGET', claims, field)
  if stored and tonumber(string.match(stored, '^%d+')) < tonumber(ARGV[at + 1]) then
    redis.call('HSET', claims, field, ARGV[at + 1] .. ' ' .. ARGV[at + 2] .. ' ' .. ARGV[at + 3])
  end
end
local hasUnknown = false
for _, field in ipairs(redis.call('HKEYS', claims)) do
  local number = string.match(field, '^t(%d+)$')
  if number and tonumber(number) < tonumber(ARGV[3]) and not known[field] then hasUnknown = true end
end
if hasUnknown then
  while redis.call('LMOVE', inbox, base, 'RIGHT', 'LEFT') do end
  for _, take in ipairs(takesOf(claims)) do
    if take.number < tonumber(ARGV[3]) and not known['t' .. take.number] then
      eachUnsettled(take, function(lane, message) redis.call('LPUSH', lanes[lane], message) end)
      forget(claims, take)
    end
  end
end

local first = redis.call('ZRANGE', workers, 0, 0, 'WITHSCORES')
local isWatched = tonumber(redis.call('HGET', meta, 'watched') or 0) > now and 1 or 0
return {0, math.max(0, math.ceil(first[2] - now)), first[1], isWatched, redis.call('HGET', commands, worker) or ''}
