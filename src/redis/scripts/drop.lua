-- drop: dead -> (gone)
-- KEYS  1 dead (zset)  2 dead messages (hash)  3 request (string)
-- ARGV  1 how long Redis keeps the request key, in ms  2.. for each dead letter: its key, and when it was buried
-- Returns how many were dropped
--
-- As in revive.lua: the time of burial must match, and the request key keeps the result.
local dead, deadMessages, request = unpack(KEYS)
local answer = redis.call('GET', request)
if answer then return tonumber(answer) end
redis.call('HDEL', deadMessages, '') -- Redis allows this when out of memory, and then all later writes

local dropped = 0
for index = 2, #ARGV, 2 do
  local at = redis.call('ZSCORE', dead, ARGV[index])
  if at and tonumber(at) == tonumber(ARGV[index + 1]) then
    --@ local id = history.letterId(deadMessages, ARGV[index])
    dropped = dropped + redis.call('HDEL', deadMessages, ARGV[index])
    redis.call('ZREM', dead, ARGV[index])
    --@ history.add('drop', id, '', '', '')
  end
end
redis.call('SET', request, dropped, 'PX', ARGV[1])
return dropped
