-- beat: worker -> worker with a renewed lease; active messages of takes that the worker does not know -> waiting (head)
-- KEYS  1 claims of this worker (hash, _lib.lua)  2 workers (zset)  3 meta (hash)  4 quarantine  5 requeued  6 inbox  7 high  8 base
--       9 low (lists)  10 heartbeats  11 commands  12 metrics of all time  13 of this minute  14 of this hour (hashes)
-- ARGV  1 worker  2 lease in ms  3 number of its current take  4 heartbeat report; '' keeps the last one  5 what it has counted since it
--       joined; '' for nothing  6.. for each take that it knows: number, how many of its messages are acknowledged, of how many, and which
-- Returns {status, ms until the first lease ends, worker of that lease, 1 if someone watches, command for this worker or ''};
--         status 0 renewed, -1 the lease was lost
--
-- The worker does not know a take with a lower number if the reply was lost, or if a failover restored the take. An
-- acknowledgement that a failover rolled back is written again.
local claims, workers, meta, heartbeats, commands = KEYS[1], KEYS[2], KEYS[3], KEYS[10], KEYS[11]
local worker, lease = ARGV[1], tonumber(ARGV[2])
redis.call('ZREM', workers, '') -- Redis allows this when out of memory, and then all later writes
if not redis.call('ZSCORE', workers, worker) then return {-1, -1, ''} end

local time, ahead, seen, watched = unpack(redis.call('HMGET', meta, 'time', 'ahead', 'seen', 'watched'))
local now
now, ahead = queueTime(time, ahead)
extendAfterOutage(workers, tonumber(seen or now), now, lease)
local text = string.format('%.0f', now)
redis.call('HSET', meta, 'seen', text, 'time', text, 'ahead', ahead)
redis.call('ZADD', workers, now + lease, worker)
if ARGV[4] ~= '' then redis.call('HSET', heartbeats, worker, ARGV[4]) end
addCounted(12, claims, ARGV[5])

local known = {}
for at = 6, #ARGV, 4 do
  known['t' .. ARGV[at]] = true
  acknowledge(claims, ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3])
end
local hasUnknown = false
for _, field in ipairs(redis.call('HKEYS', claims)) do
  local number = string.match(field, '^t(%d+)$')
  if number and tonumber(number) < tonumber(ARGV[3]) and not known[field] then hasUnknown = true end
end
if hasUnknown then
  local lists = waitingLists(4)
  emptyInbox(lists)
  for _, take in ipairs(takesOf(claims)) do
    if take.number < tonumber(ARGV[3]) and not known['t' .. take.number] then
      giveBack(take, lists)
      forget(claims, take)
    end
  end
end

local first = redis.call('ZRANGE', workers, '0', '0', 'WITHSCORES')
local isWatched = tonumber(watched or 0) > now and 1 or 0
return {0, math.max(0, math.ceil(first[2] - now)), first[1], isWatched, redis.call('HGET', commands, worker) or ''}
