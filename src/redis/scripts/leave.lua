-- include _claims.lua
-- leave: worker -> (gone); what it still holds -> ready (head), attempts not counted
-- KEYS  1 claims of this worker (hash, _claims.lua)  2 workers (zset)  3 suspects  4 again  5 inbox  6 high  7 base  8 low (lists)
--       9 roll  10 meta  11 reports  12 orders (hashes)
-- ARGV  1 worker  2 its last report
-- Returns how many messages went back
--
-- The whole hash goes back: also what was claimed by a take whose reply never arrived.
local claims, workers, suspects, again, inbox, high, base, low, roll, meta, reports, orders = unpack(KEYS)
local worker = ARGV[1]
local lanes = {a = again, b = base, h = high, l = low, s = suspects}
redis.call('ZREM', workers, '') -- cannot grow memory: lets this run on a full server
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
-- What it did is added to the queue's sums once, however often this is sent.
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
