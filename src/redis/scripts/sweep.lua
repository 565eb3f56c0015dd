-- sweep: messages that have no position -> delayed or dead; dead letters that are too old or too many -> (gone); messages in lists of the earlier layouts -> waiting
-- KEYS  1 workers (zset)  2 registry (hash)  3 delayed (zset)  4 delayed messages (hash)  5 dead (zset)  6 dead messages (hash)
--       7 inbox  8 high  9 base  10 low (lists)  11 requeued  12 quarantine  13 requeued  14 quarantine of the earlier layouts (lists)
--       15 meta (hash)
-- ARGV  1 cursor over the delayed messages  2 cursor over the dead messages  3 most dead letters  4 their greatest age in ms
-- Returns {next cursor, next cursor, how many were repaired, worker, ..}. These workers are in the registry but have no lease: the
--       caller must recover their claims
--
-- A pass scans a few hundred messages of each kind. The next pass continues at the returned cursors.
local workers, registry, delayed, delayedMessages, dead, deadMessages, inbox, high, base, low, requeued, quarantine, earlierRequeued, earlierQuarantine, meta = unpack(KEYS)
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

for _, worker in ipairs(redis.call('HKEYS', registry)) do
  if not redis.call('ZSCORE', workers, worker) then reply[#reply + 1] = worker end
end

-- Layouts 1 and 2 had other names for two lists and one count. Programs of these versions that put or revive may still use them.
for list, earlier in pairs({[requeued] = earlierRequeued, [quarantine] = earlierQuarantine}) do
  while redis.call('LMOVE', earlier, list, 'LEFT', 'RIGHT') do mended = mended + 1 end
end
local done = redis.call('HGET', meta, 'handled')
if done then
  redis.call('HDEL', meta, 'handled')
  redis.call('HINCRBY', meta, 'done', done)
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
