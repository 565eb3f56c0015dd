-- put: (nothing) -> ready (tail of base); for messages without limit or ids of their own, as most are
-- KEYS  1 base (list)  2 producer (string)
-- ARGV  1 batch number  2 ms the producer is remembered  3 the message, or a msgpack array of several  4 'packed' for several
-- Returns 1 stored, now or when it was sent before; -1 when a later batch was answered
--
-- The messages go first and the number last: a number set before a push that fails would lose the batch. The push is the
-- first write, so a server that is out of memory refuses all of it. Numbers are shared with place.lua and delay.lua, which
-- keep their outcome behind it.
local last = redis.call('GET', KEYS[2])
if last then
  local newer = ARGV[1] - (tonumber(last) or string.match(last, '^%d+'))
  if newer <= 0 then return newer == 0 and 1 or -1 end
end
if ARGV[4] then
  local messages = cmsgpack.unpack(ARGV[3])
  for first = 1, #messages, 1000 do redis.call('RPUSH', KEYS[1], unpack(messages, first, math.min(first + 999, #messages))) end
else
  redis.call('RPUSH', KEYS[1], ARGV[3])
end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return 1
