-- ack: active -> (gone)
-- KEYS  1 claims of this worker (hash, _lib.lua)  2 workers (zset)
-- ARGV  1 worker  2.. for each take: its number, then one of two forms. If all its messages are settled: 'over', and the indexes
--       settled with an effect ('2,7'). Otherwise: how many messages are acknowledged, of how many, and which ('41', '500', '1-40,45')
-- Returns 1 if settled now, 0 if some were settled before, -1 if the lease was lost
--
-- A call carries the whole state of a take, so a late or repeated call undoes nothing. 'over' also means that Redis confirmed
-- every effect.
local claims, known, at = KEYS[1], true, 2

-- Called for a finished take if a failover rolled back some of its effects. Keeps the take and acknowledges all its other
-- messages. The worker no longer knows this take, so the next heartbeat returns the unsettled messages to the queue.
local function keepUnsettled(number, effects, stored)
  local size, ranges, from, count = tonumber(string.match(stored, '^%d+ (%d+)')), {}, 1, 0
  for index in string.gmatch(effects .. ',' .. size + 1, '%d+') do
    if index - 1 >= from then ranges[#ranges + 1] = index - 1 == from and from or from .. '-' .. index - 1 end
    count = count + index - from
    from = index + 1
  end
  redis.call('HDEL', claims, '') -- Redis allows this when out of memory, and then all later writes
  redis.call('HSET', claims, 'a' .. number, count .. ' ' .. size .. ' ' .. table.concat(ranges, ','))
end

while ARGV[at] do
  local number, state = ARGV[at], ARGV[at + 1]
  if state == 'over' then
    local effects, isRolledBack = {}, false
    for index in string.gmatch(ARGV[at + 2], '%d+') do effects[#effects + 1] = 'e' .. number .. '.' .. index end
    for first = 1, #effects, 1000 do
      local marks = redis.call('HMGET', claims, unpack(effects, first, math.min(first + 999, #effects)))
      for at = 1, #marks do
        if not marks[at] then isRolledBack = true end
      end
    end
    local stored = isRolledBack and redis.call('HGET', claims, 'a' .. number)
    --@ local packed, before = unpack(redis.call('HMGET', claims, 't' .. number, 'a' .. number))
    if stored then
      keepUnsettled(number, ARGV[at + 2], stored)
    else
      known = redis.call('HDEL', claims, 't' .. number, 'a' .. number, 's' .. number) > 0 and known
      for first = 1, #effects, 1000 do redis.call('HDEL', claims, unpack(effects, first, math.min(first + 999, #effects))) end
    end
    --@ history.acks(number, packed, before, nil, ARGV[at + 2])
    at = at + 3
  else
    redis.call('HDEL', claims, '') -- Redis allows this when out of memory, and then all later writes
    known = acknowledge(claims, number, state, ARGV[at + 2], ARGV[at + 3]) and known
    at = at + 4
  end
end
if known then return 1 end
return redis.call('ZSCORE', KEYS[2], ARGV[1]) and 0 or -1
