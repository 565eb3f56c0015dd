-- bury: claimed -> dead; the oldest dead, where they are too many -> (gone)
-- KEYS  1 claims of this worker (hash)  2 workers (zset)  3 dead (zset)  4 dead messages (hash)
-- ARGV  1 worker  2 token  3 id  4 record (one line of JSON: why)  5 most dead letters
-- Reply 1 done, 0 already settled, -1 this worker's lease is lost
--
-- What lies among the dead is the record, a line break, and the message byte for byte.
local claims, workers, dead, deadMessages = unpack(KEYS)
redis.call('HDEL', claims, '') -- cannot grow memory: lets this run on a full server
local message = redis.call('HGET', claims, ARGV[2])
if not message then return redis.call('ZSCORE', workers, ARGV[1]) and 0 or -1 end

local entry = ARGV[4] .. '\n' .. message
local member, n = ARGV[3], 0
while redis.call('HSETNX', deadMessages, member, entry) == 0 do
  n = n + 1
  member = ARGV[3] .. '~' .. n
end
local time = redis.call('TIME')
redis.call('ZADD', dead, time[1] * 1000 + math.floor(time[2] / 1000), member)
redis.call('HDEL', claims, ARGV[2])

-- A hundred at once: where the bound was lowered, the next ones go on.
local over = math.min(redis.call('ZCARD', dead) - ARGV[5], 100)
if over > 0 then
  local oldest = redis.call('ZRANGE', dead, 0, over - 1)
  redis.call('HDEL', deadMessages, unpack(oldest))
  redis.call('ZREM', dead, unpack(oldest))
end
return 1
