-- count: reads the number of messages in each state, at one moment
-- KEYS  1 workers (zset)  2 delayed  3 dead (zsets)  4 base  5 inbox  6 high  7 low  8 requeued  9 quarantine (lists)
--       10.. claims of each worker in ARGV (hashes, _claims.lua)
-- ARGV  the workers that the caller knows
-- Returns {waiting, delayed, dead, active, worker, ..}, with all registered workers at the end. If these are not the workers
--         in ARGV, active is -1, and the caller must call again with them
local waiting, claimed = 0, 0
for index = 4, 9 do waiting = waiting + redis.call('LLEN', KEYS[index]) end

local registered = redis.call('ZRANGE', KEYS[1], 0, -1)
if table.concat(registered, ' ') ~= table.concat(ARGV, ' ') then
  claimed = -1
else
  for index = 1, #ARGV do
    local claims = KEYS[9 + index]
    for _, field in ipairs(redis.call('HKEYS', claims)) do
      local kind = string.sub(field, 1, 1)
      if kind == 'a' then
        local settled, size = string.match(redis.call('HGET', claims, field), '^(%d+) (%d+)')
        claimed = claimed + size - settled
      elseif kind == 'e' then
        claimed = claimed - 1
      end
    end
  end
end
return {waiting, redis.call('ZCARD', KEYS[2]), redis.call('ZCARD', KEYS[3]), claimed, unpack(registered)}
