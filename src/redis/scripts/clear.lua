-- clear: waiting, delayed -> (gone)
-- KEYS  1 request (string)  2 quarantine  3 requeued  4 inbox  5 high  6 base  7 low (lists)  8 delayed (zset)
--       9 delayed messages (hash)  10 waiting  11 delayed  12 retrying  13 running (indexes of job records, zsets)
--       14 jobs to check (set)
-- ARGV  1 how long Redis keeps the request key, in ms
-- Returns how many messages were dropped; -1 if some may be tracked, or the queue has a history: the caller must call clear-jobs
--
-- The request key keeps the result. Without it, a repeated or late request would drop messages that were put later.
local request = KEYS[1]
local answered = redis.call('GET', request)
if answered then return tonumber(answered) end

--@ if true then return -1 end -- clear-jobs adds an entry for each message
if redis.call('EXISTS', KEYS[14]) == 1 then return -1 end -- records of cancelled jobs wait for their messages
for _, index in ipairs({unpack(KEYS, 10, 13)}) do
  if redis.call('ZCOUNT', index, '(-inf', '+inf') > 0 then return -1 end -- longMember does not count
end
local dropped = redis.call('ZCARD', KEYS[8]) + waitingCount(waitingLists(2))
redis.call('DEL', unpack(KEYS, 2, 9)) -- Redis allows this when out of memory, and then all later writes
redis.call('SET', request, dropped, 'PX', ARGV[1])
return dropped
