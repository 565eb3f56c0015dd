-- release: active -> waiting (head), the attempt not counted
-- KEYS  1 claims of this worker (hash, _claims.lua)  2 workers (zset)  3 quarantine  4 requeued  5 inbox  6 high  7 base  8 low (lists)
-- ARGV  1 worker  2.. for each message, newest first: number of the take, index, lane letter, the message
-- Returns how many messages went back; -1 if none did and the lease was lost
local claims, workers, quarantine, requeued, inbox, high, base, low = unpack(KEYS)
local lanes = {a = requeued, b = base, h = high, l = low, s = quarantine}
redis.call('HDEL', claims, '') -- Redis allows this when out of memory, and then all later writes

-- Messages in the inbox came from the head of base, and are newer than the claimed ones. They go back first, so the order stays.
while redis.call('LMOVE', inbox, base, 'RIGHT', 'LEFT') do end

local released = 0
for at = 2, #ARGV, 4 do
  local settled = 'e' .. ARGV[at] .. '.' .. ARGV[at + 1]
  if redis.call('HEXISTS', claims, 'a' .. ARGV[at]) == 1 and redis.call('HEXISTS', claims, settled) == 0 then
    redis.call('LPUSH', lanes[ARGV[at + 2]], ARGV[at + 3])
    redis.call('HSET', claims, settled, 1)
    released = released + 1
  end
end
if redis.call('LLEN', base) == 0 then
  for _, list in ipairs({high, low}) do
    if redis.call('LMOVE', list, base, 'LEFT', 'LEFT') then break end
  end
end
if released == 0 and #ARGV > 1 and not redis.call('ZSCORE', workers, ARGV[1]) then return -1 end
return released
