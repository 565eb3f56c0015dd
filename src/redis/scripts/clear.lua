-- clear: ready, delayed -> (gone)
-- KEYS  1 request (string)  2 base  3 high  4 low  5 inbox  6 again  7 suspects (lists)  8 delayed (zset)  9 delayed messages (hash)
-- ARGV  1 ms the request is remembered
-- Reply how many messages were dropped
--
-- The request is remembered with its answer: one that is sent again, or comes late, would drop what was put since.
local request, base, high, low, inbox, again, suspects, delayed, delayedMessages = unpack(KEYS)
local answered = redis.call('GET', request)
if answered then return tonumber(answered) end

local dropped = redis.call('ZCARD', delayed)
for _, list in ipairs({base, high, low, inbox, again, suspects}) do dropped = dropped + redis.call('LLEN', list) end
redis.call('DEL', base, high, low, inbox, again, suspects, delayed, delayedMessages) -- cannot grow memory: lets this run on a full server
redis.call('SET', request, dropped, 'PX', ARGV[1])
return dropped
