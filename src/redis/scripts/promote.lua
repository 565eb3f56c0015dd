-- promote: delayed -> waiting (tail)
-- KEYS  1 delayed (zset)  2 delayed messages (hash)  3 quarantine  4 requeued  5 high  6 base  7 low (lists)
-- ARGV  1 most messages
-- Returns {how many were promoted, ms until the next message is due or -1}
local delayed, delayedMessages, quarantine, requeued, high, base, low = unpack(KEYS)
local lanes = {a = requeued, b = base, h = high, l = low, s = quarantine}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local due, promoted = redis.call('ZRANGEBYSCORE', delayed, '-inf', now, 'LIMIT', 0, ARGV[1]), 0
if #due > 0 then redis.call('ZREM', delayed, '') end -- Redis allows this when out of memory, and then all later writes
for _, member in ipairs(due) do
  local entry = redis.call('HGET', delayedMessages, member)
  if entry then
    redis.call('RPUSH', lanes[string.sub(entry, 1, 1)], string.sub(entry, 2))
    promoted = promoted + 1
  end
  redis.call('HDEL', delayedMessages, member)
  redis.call('ZREM', delayed, member)
end
if promoted > 0 and redis.call('LLEN', base) == 0 then
  if not redis.call('LMOVE', high, base, 'LEFT', 'LEFT') then redis.call('LMOVE', low, base, 'LEFT', 'LEFT') end
end

local first = redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')
return {promoted, #first == 0 and -1 or math.max(0, math.ceil(first[2] - now))}
