-- promote: delayed -> waiting (tail)
-- KEYS  1 delayed (zset)  2 delayed messages (hash)  3 quarantine  4 requeued  5 inbox  6 high  7 base  8 low (lists)
-- ARGV  1 most messages
-- Returns {how many were promoted, ms until the next message is due or -1}
local delayed, delayedMessages, lists = KEYS[1], KEYS[2], waitingLists(3)
local now = serverNow()

local due, promoted = redis.call('ZRANGEBYSCORE', delayed, '-inf', now, 'LIMIT', 0, ARGV[1]), 0
if #due > 0 then redis.call('ZREM', delayed, '') end -- Redis allows this when out of memory, and then all later writes
for _, member in ipairs(due) do
  local entry = redis.call('HGET', delayedMessages, member)
  if entry then
    redis.call('RPUSH', lists[string.sub(entry, 1, 1)], string.sub(entry, 2))
    promoted = promoted + 1
  end
  redis.call('HDEL', delayedMessages, member)
  redis.call('ZREM', delayed, member)
end
if promoted > 0 then wakeWorker(lists) end
return {promoted, nextDue(delayed, now)}
