-- release: claimed -> ready (head), the attempt not counted
-- KEYS  1 claims of this worker (hash)  2 workers (zset)  3 suspects  4 again  5 inbox  6 high  7 base  8 low (lists)
-- ARGV  1 worker  2.. tokens, newest first
-- Reply how many went back; -1 when none did and this worker's lease is lost
local claims, workers, suspects, again, inbox, high, base, low = unpack(KEYS)
local lanes = {a = again, b = base, h = high, l = low, s = suspects}
redis.call('HDEL', claims, '') -- cannot grow memory: lets this run on a full server

-- What waits in the inbox came from the head of base, and is younger than what was claimed before it.
while redis.call('LMOVE', inbox, base, 'RIGHT', 'LEFT') do end

local released = 0
for index = 2, #ARGV do
  local message = redis.call('HGET', claims, ARGV[index])
  if message then
    redis.call('LPUSH', lanes[string.sub(ARGV[index], 1, 1)], message)
    redis.call('HDEL', claims, ARGV[index])
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
