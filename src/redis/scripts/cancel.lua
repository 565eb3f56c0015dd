-- cancel: delayed -> (gone)
-- KEYS  1 delayed (zset)  2 delayed messages (hash)  3 request (string)
-- ARGV  1 id  2 how long Redis keeps the request key, in ms
-- Returns 1 if cancelled, 0 if there is no delayed message with this id
--
-- The request key keeps the result. Without it, a repeated request would return 0, and a late one would cancel a newer
-- message with the same id. If the caller chose the id, its mark stays.
local delayed, delayedMessages, request = unpack(KEYS)
local answered = redis.call('GET', request)
if answered then return tonumber(answered) end

local cancelled = redis.call('HDEL', delayedMessages, ARGV[1]) -- Redis allows this when out of memory, and then all later writes
redis.call('ZREM', delayed, ARGV[1])
--@ if cancelled == 1 then history.add('cancel', ARGV[1], '', '', '') end
redis.call('SET', request, cancelled, 'PX', ARGV[2])
return cancelled
