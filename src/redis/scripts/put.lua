-- put: (nothing) -> ready
-- KEYS  1 lane (list)  2 base (list)  3 inbox (list)  4 producer (string)
-- ARGV  1 batch number  2 ms the producer is remembered  3.. messages
-- Reply 1 stored now, 0 when this batch was stored before
--
-- The messages go first and the number last: a number set before a push that fails would lose the batch.
-- The push is the first write, so a server that is out of memory refuses all of it.
local number = tonumber(ARGV[1])
if number <= tonumber(redis.call('GET', KEYS[4]) or 0) then return 0 end

for first = 3, #ARGV, 1000 do
  redis.call('RPUSH', KEYS[1], unpack(ARGV, first, math.min(first + 999, #ARGV)))
end
redis.call('SET', KEYS[4], number, 'PX', ARGV[2])

-- Idle workers wait on base. When it is empty, the next message itself goes there: it is the bell.
if KEYS[1] ~= KEYS[2] and redis.call('LLEN', KEYS[2]) == 0 then
  if not redis.call('LMOVE', KEYS[3], KEYS[2], 'LEFT', 'LEFT') then
    redis.call('LMOVE', KEYS[1], KEYS[2], 'LEFT', 'LEFT')
  end
end
return 1
