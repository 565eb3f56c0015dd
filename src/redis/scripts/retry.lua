-- retry: claimed -> delayed, or -> ready (tail) when the delay is 0
-- KEYS  1 claims of this worker (hash)  2 workers (zset)  3 delayed (zset)  4 delayed messages (hash)  5 lane (list)
--       6 base (list)
-- ARGV  1 worker  2 token  3 lane letter  4 delay in ms  5 id  6 what stands before the text from now on  7 how many bytes
--       stood there
-- Reply 1 done, 0 already settled, -1 this worker's lease is lost
local claims, workers, delayed, delayedMessages, lane, base = unpack(KEYS)
redis.call('HDEL', claims, '') -- cannot grow memory: lets this run on a full server
local message = redis.call('HGET', claims, ARGV[2])
if not message then return redis.call('ZSCORE', workers, ARGV[1]) and 0 or -1 end

message = ARGV[6] .. string.sub(message, tonumber(ARGV[7]) + 1)
if tonumber(ARGV[4]) == 0 then
  redis.call('RPUSH', lane, message)
  if (ARGV[3] == 'h' or ARGV[3] == 'l') and redis.call('LLEN', base) == 0 then redis.call('LMOVE', lane, base, 'LEFT', 'LEFT') end
else
  -- Ids are the caller's and may be equal; equal members would overwrite each other.
  local member, n = ARGV[5], 0
  while redis.call('HSETNX', delayedMessages, member, ARGV[3] .. message) == 0 do
    n = n + 1
    member = ARGV[5] .. '~' .. n
  end
  local time = redis.call('TIME')
  redis.call('ZADD', delayed, time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[4], member)
end
redis.call('HDEL', claims, ARGV[2])
return 1
