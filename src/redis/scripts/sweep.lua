-- sweep: messages that have no position -> delayed or dead; dead letters that are too old or too many -> (gone)
-- KEYS  1 workers (zset)  2 roll (hash)  3 delayed (zset)  4 delayed messages (hash)  5 dead (zset)  6 dead messages (hash)
--       7 inbox  8 high  9 base  10 low (lists)
-- ARGV  1 cursor over the delayed messages  2 cursor over the dead messages  3 most dead letters  4 their greatest age in ms
-- Returns {next cursor, next cursor, how many were repaired, worker, ..}. These workers are on the roll but not registered: the
--       caller must recover their claims
--
-- A pass scans a few hundred messages of each kind. The next pass continues at the returned cursors.
local workers, roll, delayed, delayedMessages, dead, deadMessages, inbox, high, base, low = unpack(KEYS)
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local mended = 0

-- Adds messages that are missing in the sorted set: without an entry there, no script ever finds them.
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

-- Deletes dead letters that are too old or too many, at most 1,000 in a pass.
local over = math.max(redis.call('ZCARD', dead) - ARGV[3], redis.call('ZCOUNT', dead, '-inf', now - ARGV[4]))
if over > 0 then
  local oldest = redis.call('ZRANGE', dead, 0, math.min(over, 1000) - 1)
  redis.call('HDEL', deadMessages, unpack(oldest))
  redis.call('ZREM', dead, unpack(oldest))
end

for _, worker in ipairs(redis.call('HKEYS', roll)) do
  if not redis.call('ZSCORE', workers, worker) then reply[#reply + 1] = worker end
end

-- Blocked workers wait for base. If base is empty and another list is not, move one message there to wake one.
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
