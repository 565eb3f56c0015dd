-- cancel: delayed -> (gone)
-- KEYS  1 delayed (zset)  2 delayed messages (hash)  3 request (string)
-- ARGV  1 id  2 ms the request is remembered
-- Reply 1 cancelled, 0 when it is not there
--
-- The request is remembered with its answer: one that is sent again would say that there was nothing to cancel, and one
-- that comes late would cancel what was put under the same id since. The mark of an own id stays.
local delayed, delayedMessages, request = unpack(KEYS)
local answered = redis.call('GET', request)
if answered then return tonumber(answered) end

local cancelled = redis.call('HDEL', delayedMessages, ARGV[1]) -- cannot grow memory: lets this run on a full server
redis.call('ZREM', delayed, ARGV[1])
redis.call('SET', request, cancelled, 'PX', ARGV[2])
return cancelled
