-- peek: reads some waiting messages, in the order in which a take reads the lists, each with its size and its first bytes
-- KEYS  1 quarantine  2 requeued  3 inbox  4 high  5 base  6 low (lists)
-- ARGV  1 how many messages to skip  2 how many to read  3 most bytes of each
-- Returns {size, first bytes, ..}
local lists = waitingLists(1)
local skip, left, most = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local found = {}
for _, list in ipairs({lists.a, lists.inbox, lists.h, lists.b, lists.l, lists.s}) do
  local length = redis.call('LLEN', list)
  if left > 0 and skip < length then
    for _, message in ipairs(redis.call('LRANGE', list, skip, skip + left - 1)) do
      found[#found + 1] = #message
      found[#found + 1] = string.sub(message, 1, most)
      left = left - 1
    end
  end
  skip = math.max(0, skip - length)
end
return found
