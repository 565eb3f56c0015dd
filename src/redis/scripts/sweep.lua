-- sweep: messages that have no position -> delayed or dead; dead letters that are too old or too many -> (gone); messages in lists of the earlier layouts -> waiting
-- KEYS  1 workers (zset)  2 registry  3 meta (hashes)  4 delayed (zset)  5 delayed messages (hash)  6 dead (zset)
--       7 dead messages (hash)  8 quarantine  9 requeued  10 inbox  11 high  12 base  13 low (lists)  14 quarantine and
--       15 requeued of the earlier layouts (lists)
-- ARGV  1 cursor over the delayed messages  2 cursor over the dead messages  3 most dead letters  4 their greatest age in ms
-- Returns {next cursor, next cursor, how many were repaired, worker, ..}. These workers are in the registry but have no lease: the
--       caller must recover their claims
--
-- A pass scans a few hundred messages of each kind. The next pass continues at the returned cursors.
local workers, registry, meta, delayed, delayedMessages, dead, deadMessages = unpack(KEYS, 1, 7)
local lists = waitingLists(8)
local now, mended = serverNow(), 0

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

-- At most 1,000 dead letters in a pass.
local over = math.max(redis.call('ZCARD', dead) - ARGV[3], redis.call('ZCOUNT', dead, '-inf', now - ARGV[4]))
dropOldest(dead, deadMessages, math.min(over, 1000))

for _, worker in ipairs(redis.call('HKEYS', registry)) do
  if not redis.call('ZSCORE', workers, worker) then reply[#reply + 1] = worker end
end

-- Layouts 1 and 2 had other names for two lists and one count. Programs of these versions that put or revive may still use them.
for list, earlier in pairs({[lists.s] = KEYS[14], [lists.a] = KEYS[15]}) do
  while redis.call('LMOVE', earlier, list, 'LEFT', 'RIGHT') do mended = mended + 1 end
end
local done = redis.call('HGET', meta, 'handled')
if done then
  redis.call('HDEL', meta, 'handled')
  redis.call('HINCRBY', meta, 'done', done)
end

reply[3] = mended + wakeWorker(lists)
return reply
