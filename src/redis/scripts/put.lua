-- put: (nothing) -> ready (tail of base); for messages without limit or ids of their own, as most are
-- KEYS  1 base (list)  2 producer (string)
-- ARGV  1 batch number  2 ms the producer is remembered  3 how many messages  4 the message, or a msgpack array of several
-- Returns how many were accepted; -1 when a later batch was answered
--
-- The outcome is kept beside the number, so a batch that is sent again gets the same answer. The messages go first and the
-- number last: a number set before a push that fails would lose the batch. The push is the first write, so a server that
-- is out of memory refuses all of it. Numbers are shared with place.lua.
local known = redis.call('GET', KEYS[2])
if known then
  local newer = tonumber(ARGV[1]) - tonumber(string.match(known, '^%d+'))
  if newer < 0 then return -1 end
  if newer == 0 then return tonumber(string.match(known, ' (%d+)')) end
end
if ARGV[3] == '1' then
  redis.call('RPUSH', KEYS[1], ARGV[4])
else
  local messages = cmsgpack.unpack(ARGV[4])
  for first = 1, #messages, 1000 do redis.call('RPUSH', KEYS[1], unpack(messages, first, math.min(first + 999, #messages))) end
end
redis.call('SET', KEYS[2], ARGV[1] .. ' ' .. ARGV[3], 'PX', ARGV[2])
return tonumber(ARGV[3])
