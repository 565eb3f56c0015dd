-- bury: active -> dead; the oldest dead letters -> (gone) if there are too many
-- KEYS  1 claims of this worker (hash, _claims.lua)  2 workers (zset)  3 dead (zset)  4 dead messages (hash)
-- ARGV  1 worker  2 number of the take  3 index of the message  4 id  5 record (one line of JSON with the reason)  6 the message
--       7 most dead letters
-- Returns 1 if buried, 0 if settled before, -1 if the lease was lost
--
-- A dead letter is the record, a line break, and the message byte for byte.
local claims, workers, dead, deadMessages = unpack(KEYS)
local settled = 'e' .. ARGV[2] .. '.' .. ARGV[3]
redis.call('HDEL', claims, '') -- Redis allows this when out of memory, and then all later writes
if redis.call('HEXISTS', claims, 'a' .. ARGV[2]) == 0 or redis.call('HEXISTS', claims, settled) == 1 then
  return redis.call('ZSCORE', workers, ARGV[1]) and 0 or -1
end

local entry = ARGV[5] .. '\n' .. ARGV[6]
local member, n = ARGV[4], 0
while redis.call('HSETNX', deadMessages, member, entry) == 0 do
  n = n + 1
  member = ARGV[4] .. '~' .. n
end
local time = redis.call('TIME')
redis.call('ZADD', dead, time[1] * 1000 + math.floor(time[2] / 1000), member)
redis.call('HSET', claims, settled, 1)

-- One call deletes at most 100 dead letters. If the limit was lowered, later calls delete the others.
local over = math.min(redis.call('ZCARD', dead) - ARGV[7], 100)
if over > 0 then
  local oldest = redis.call('ZRANGE', dead, 0, over - 1)
  redis.call('HDEL', deadMessages, unpack(oldest))
  redis.call('ZREM', dead, unpack(oldest))
end
return 1
