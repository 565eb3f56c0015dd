-- clear: ready, delayed -> (gone)
-- KEYS  1 meta (hash)  2 base  3 high  4 low  5 inbox  6 again  7 suspects (lists)  8 delayed (zset)  9 delayed messages (hash)
-- ARGV  1 id of this request
-- Reply how many messages were dropped
--
-- The request is remembered with its answer: one that is sent again would drop what was put in between.
local meta, base, high, low, inbox, again, suspects, delayed, delayedMessages = unpack(KEYS)
local request, answer = string.match(redis.call('HGET', meta, 'cleared') or '', '^(%S+) (%d+)$')
if request == ARGV[1] then return tonumber(answer) end

local dropped = redis.call('ZCARD', delayed)
for _, list in ipairs({base, high, low, inbox, again, suspects}) do dropped = dropped + redis.call('LLEN', list) end
redis.call('DEL', base, high, low, inbox, again, suspects, delayed, delayedMessages)
redis.call('HSET', meta, 'cleared', ARGV[1] .. ' ' .. dropped)
return dropped
