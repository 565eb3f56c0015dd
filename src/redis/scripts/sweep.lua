-- sweep: what cannot be right -> what it should be
-- KEYS  1 workers (zset)  2 roll (hash)  3 delayed (zset)  4 delayed messages (hash)  5 dead (zset)  6 dead messages (hash)
--       7 inbox  8 high  9 base  10 low (lists)
-- ARGV  1 cursor over the delayed messages  2 cursor over the dead messages  3 most dead letters  4 their greatest age in ms
-- Reply {next cursor, next cursor, how many were put back in place, worker, ..}: those on the roll that are not registered,
--       whose claims somebody is to recover
--
-- Bounded: each pass looks at some hundred messages of each kind, and the next goes on from its cursors.
local workers, roll, delayed, delayedMessages, dead, deadMessages, inbox, high, base, low = unpack(KEYS)
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local mended = 0

-- A message without its place in the order would never come up again.
local function mend(hash, order, cursor)
  local scan = redis.call('HSCAN', hash, cursor, 'COUNT', 200)
  for index = 1, #scan[2], 2 do
    if not redis.call('ZSCORE', order, scan[2][index]) then
      redis.call('ZADD', order, now, scan[2][index])
      mended = mended + 1
    end
  end
  return scan[1]
end
local reply = {mend(delayedMessages, delayed, ARGV[1]), mend(deadMessages, dead, ARGV[2]), 0}

-- Dead letters that are too old, or too many: a thousand in a pass.
local over = math.max(redis.call('ZCARD', dead) - ARGV[3], redis.call('ZCOUNT', dead, '-inf', now - ARGV[4]))
if over > 0 then
  local oldest = redis.call('ZRANGE', dead, 0, math.min(over, 1000) - 1)
  redis.call('HDEL', deadMessages, unpack(oldest))
  redis.call('ZREM', dead, unpack(oldest))
end

for _, worker in ipairs(redis.call('HKEYS', roll)) do
  if not redis.call('ZSCORE', workers, worker) then reply[#reply + 1] = worker end
end

-- A backlog with nothing in base rings no bell.
if redis.call('LLEN', base) == 0 then
  for _, list in ipairs({inbox, high, low}) do
    if redis.call('LMOVE', list, base, 'LEFT', 'LEFT') then
      mended = mended + 1
      break
    end
  end
end
reply[3] = mended
return reply
