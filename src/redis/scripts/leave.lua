-- include _claims.lua
-- leave: worker -> (gone); its active messages -> waiting (head), attempts not counted
-- KEYS  1 claims of this worker (hash, _claims.lua)  2 workers (zset)  3 suspects  4 again  5 inbox  6 high  7 base  8 low (lists)
--       9 roll  10 meta  11 reports  12 orders (hashes)
-- ARGV  1 worker  2 its last heartbeat report
-- Returns how many messages went back
--
-- All messages in the claims hash go back, also those of a take if its reply was lost.
local claims, workers, suspects, again, inbox, high, base, low, roll, meta, reports, orders = unpack(KEYS)
local worker = ARGV[1]
local lanes = {a = again, b = base, h = high, l = low, s = suspects}
redis.call('ZREM', workers, '') -- Redis allows this when out of memory, and then all later writes
while redis.call('LMOVE', inbox, base, 'RIGHT', 'LEFT') do end

local released = 0
for _, take in ipairs(takesOf(claims)) do
  eachUnsettled(take, function(lane, message)
    redis.call('LPUSH', lanes[lane], message)
    released = released + 1
  end)
end
redis.call('DEL', claims)
redis.call('ZREM', workers, worker)
-- Only the call that removes the worker from the roll adds its counts to the totals of the queue. A repeated call adds nothing.
if redis.call('HDEL', roll, worker) == 1 then
  local handled, failed = string.match(ARGV[2], '^(%d+) (%d+) ')
  if handled then
    redis.call('HINCRBY', meta, 'handled', handled)
    redis.call('HINCRBY', meta, 'failed', failed)
  end
end
redis.call('HDEL', reports, worker)
redis.call('HDEL', orders, worker)

if redis.call('LLEN', base) == 0 then
  for _, list in ipairs({high, low}) do
    if redis.call('LMOVE', list, base, 'LEFT', 'LEFT') then break end
  end
end
return released
