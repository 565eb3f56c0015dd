-- put: (nothing) -> waiting (tail of base)
-- KEYS  1 base (list)  2 producer (string)
-- ARGV  1 batch number  2 how long Redis keeps the producer key, in ms  3 one message, or a msgpack array of several
--       4 'packed' if several
-- Returns 1 if stored, now or by an earlier call; -1 if a later batch was answered already
--
-- The fast form for most puts: normal priority, no delay, no limit, no ids that callers chose. put-with.lua does the rest. It
-- shares the batch numbers and keeps its result behind the number. The messages are pushed first and the number is set last:
-- if it were set before a push that fails, the batch would be lost. The push is the first write, so Redis refuses the whole
-- batch when it is out of memory.
local last = redis.call('GET', KEYS[2])
if last then
  local newer = ARGV[1] - (tonumber(last) or string.match(last, '^%d+'))
  if newer <= 0 then return newer == 0 and 1 or -1 end
end
if ARGV[4] then
  local messages = cmsgpack.unpack(ARGV[3])
  --@ history.messages = messages
  for first = 1, #messages, 1000 do redis.call('RPUSH', KEYS[1], unpack(messages, first, math.min(first + 999, #messages))) end
else
  redis.call('RPUSH', KEYS[1], ARGV[3])
end
--@ for _, message in ipairs(history.messages or {ARGV[3]}) do history.put('put', message) end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return 1
