-- promote: delayed -> waiting (tail)
-- KEYS  1 delayed (zset)  2 delayed messages (hash)  3 quarantine  4 requeued  5 inbox  6 high  7 base  8 low (lists)  9 meta (hash)
-- ARGV  1 most messages  2 after how many bytes of messages no further one is promoted
-- Returns {how many were promoted, ms until the next message is due or -1}
local delayed, delayedMessages, lists = KEYS[1], KEYS[2], waitingLists(3)
redis.call('ZREM', delayed, '') -- Redis allows this when out of memory, and then all later writes
local now = keepTime(KEYS[9])

local promoted, room = 0, tonumber(ARGV[2])
for _, member in ipairs(redis.call('ZRANGEBYSCORE', delayed, '-inf', now, 'LIMIT', 0, ARGV[1])) do
  if room <= 0 then break end
  local entry = redis.call('HGET', delayedMessages, member)
  if entry then
    redis.call('RPUSH', lists[string.sub(entry, 1, 1)], string.sub(entry, 2))
    --@ history.add('promote', parseHeader(string.sub(entry, 2)) or member, '', '', '')
    promoted = promoted + 1
    room = room - #entry
  end
  redis.call('HDEL', delayedMessages, member)
  redis.call('ZREM', delayed, member)
end
if promoted > 0 then wakeWorker(lists) end
return {promoted, nextDue(delayed, now)}
