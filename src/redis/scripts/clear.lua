-- clear: waiting, delayed -> (gone)
-- KEYS  1 request (string)  2 base  3 high  4 low  5 inbox  6 requeued  7 quarantine (lists)  8 delayed (zset)  9 delayed messages (hash)
-- ARGV  1 how long Redis keeps the request key, in ms
-- Returns how many messages were dropped
--
-- The request key keeps the result. Without it, a repeated or late request would drop messages that were put later.
local request, base, high, low, inbox, requeued, quarantine, delayed, delayedMessages = unpack(KEYS)
local answered = redis.call('GET', request)
if answered then return tonumber(answered) end

local dropped = redis.call('ZCARD', delayed)
for _, list in ipairs({base, high, low, inbox, requeued, quarantine}) do dropped = dropped + redis.call('LLEN', list) end
redis.call('DEL', base, high, low, inbox, requeued, quarantine, delayed, delayedMessages) -- Redis allows this when out of memory, and then all later writes
redis.call('SET', request, dropped, 'PX', ARGV[1])
return dropped
