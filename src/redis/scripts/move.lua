-- move: delayed -> delayed with another due time, or -> waiting (tail) if that time is now or past
-- KEYS  1 delayed (zset)  2 delayed messages (hash)  3 request (string)  4 quarantine  5 requeued  6 inbox  7 high  8 base
--       9 low (lists)
-- ARGV  1 id  2 new due time: +ms from now, or Unix ms  3 how long Redis keeps the request key, in ms
-- Returns {1 if moved or 0 if there is no delayed message with this id, ms until the next message is due or -1}
--
-- The request key keeps the result. Without it, a repeated or late request would undo a later move.
local delayed, delayedMessages, request, quarantine, requeued, inbox, high, base, low = unpack(KEYS)
local lanes = {a = requeued, b = base, h = high, l = low, s = quarantine}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function tell(moved)
  local first = redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')
  return {moved, #first == 0 and -1 or math.max(0, math.ceil(first[2] - now))}
end
local answered = redis.call('GET', request)
if answered then return tell(tonumber(answered)) end

redis.call('ZREM', delayed, '') -- Redis allows this when out of memory, and then all later writes
local entry, moved = redis.call('HGET', delayedMessages, ARGV[1]), 0
if entry then
  local after = string.match(ARGV[2], '^%+(%d+)$')
  local due = after and now + tonumber(after) or tonumber(ARGV[2])
  if due > now then
    redis.call('ZADD', delayed, due, ARGV[1])
  else
    redis.call('RPUSH', lanes[string.sub(entry, 1, 1)], string.sub(entry, 2))
    redis.call('HDEL', delayedMessages, ARGV[1])
    redis.call('ZREM', delayed, ARGV[1])
    if redis.call('LLEN', base) == 0 then
      for _, list in ipairs({inbox, high, low}) do
        if redis.call('LMOVE', list, base, 'LEFT', 'LEFT') then break end
      end
    end
  end
  moved = 1
end
redis.call('SET', request, moved, 'PX', ARGV[3])
return tell(moved)
