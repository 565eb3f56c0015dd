-- retry: active -> delayed, or -> waiting (tail) if the delay is 0
-- KEYS  1 claims of this worker (hash, _claims.lua)  2 workers (zset)  3 delayed (zset)  4 delayed messages (hash)
--       5 lane (list)  6 base (list)
-- ARGV  1 worker  2 number of the take  3 index of the message  4 lane letter  5 delay in ms  6 id  7 the message
-- Returns 1 if retried, 0 if settled before, -1 if the lease was lost
local claims, workers, delayed, delayedMessages, lane, base = unpack(KEYS)
local settled = 'e' .. ARGV[2] .. '.' .. ARGV[3]
redis.call('HDEL', claims, '') -- Redis allows this when out of memory, and then all later writes
if redis.call('HEXISTS', claims, 'a' .. ARGV[2]) == 0 or redis.call('HEXISTS', claims, settled) == 1 then
  return redis.call('ZSCORE', workers, ARGV[1]) and 0 or -1
end

if tonumber(ARGV[5]) == 0 then
  redis.call('RPUSH', lane, ARGV[7])
  if (ARGV[4] == 'h' or ARGV[4] == 'l') and redis.call('LLEN', base) == 0 then redis.call('LMOVE', lane, base, 'LEFT', 'LEFT') end
else
  -- Callers may choose ids, so two messages can have the same. Without a suffix, the second would overwrite the first.
  local member, n = ARGV[6], 0
  while redis.call('HSETNX', delayedMessages, member, ARGV[4] .. ARGV[7]) == 0 do
    n = n + 1
    member = ARGV[6] .. '~' .. n
  end
  local time = redis.call('TIME')
  redis.call('ZADD', delayed, time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[5], member)
end
redis.call('HSET', claims, settled, 1)
return 1
