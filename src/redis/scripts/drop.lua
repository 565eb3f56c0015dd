-- drop: dead -> (gone)
-- KEYS  1 dead (zset)  2 dead messages (hash)  3 request (string)
-- ARGV  1 ms the request is remembered  2.. letter, when it was buried, ..
-- Reply how many were dropped
--
-- As in revive: only what was buried at that time, and the answer is kept.
local dead, deadMessages, request = unpack(KEYS)
local answer = redis.call('GET', request)
if answer then return tonumber(answer) end
redis.call('HDEL', deadMessages, '') -- cannot grow memory: lets this run on a full server

local dropped = 0
for index = 2, #ARGV, 2 do
  local at = redis.call('ZSCORE', dead, ARGV[index])
  if at and tonumber(at) == tonumber(ARGV[index + 1]) then
    dropped = dropped + redis.call('HDEL', deadMessages, ARGV[index])
    redis.call('ZREM', dead, ARGV[index])
  end
end
redis.call('SET', request, dropped, 'PX', ARGV[1])
return dropped
