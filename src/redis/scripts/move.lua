-- move: delayed -> delayed, due at another time, or -> ready (tail) when that is now or past
-- KEYS  1 delayed (zset)  2 delayed messages (hash)  3 request (string)  4 suspects  5 again  6 inbox  7 high  8 base
--       9 low (lists)
-- ARGV  1 id  2 when it is due: +ms from now, or Unix ms  3 ms the request is remembered
-- Reply {1 moved, 0 when it is not there; ms until the next is due or -1}
--
-- The request is remembered with its answer: one that is sent again, or comes late, would undo a later move.
local delayed, delayedMessages, request, suspects, again, inbox, high, base, low = unpack(KEYS)
local lanes = {a = again, b = base, h = high, l = low, s = suspects}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function tell(moved)
  local first = redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')
  return {moved, #first == 0 and -1 or math.max(0, math.ceil(first[2] - now))}
end
local answered = redis.call('GET', request)
if answered then return tell(tonumber(answered)) end

redis.call('ZREM', delayed, '') -- cannot grow memory: lets this run on a full server
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
