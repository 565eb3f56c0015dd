-- place: (nothing) -> waiting (tail of a lane)
-- KEYS  1 lane  2 base  3 inbox (lists)  4 producer (string)  5 high  6 low  7 requeued  8 quarantine (lists)  9 delayed (zset)
--       10.. marks of ids that callers chose (strings): one for each message, or none
-- ARGV  1 batch number  2 how long Redis keeps the producer key, in ms  3 most messages in the queue, or 0 for no limit
--       4 how many messages each put call has, such as 1,5,2; only for a limited queue  5 how long Redis keeps the marks, in ms
--       6 the messages, a msgpack array
-- Returns {how many were accepted, index, ..}, or {-1} if a later batch was answered already. Messages after the accepted ones
--       were refused, because the queue is full. The indexes, from 0, are of duplicates: Redis had their ids already
--
-- Does more than put.lua: high and low priority, limited queues, and ids that callers chose. The result is kept beside the
-- number, so a repeated batch gets the same reply, and a refused one is never stored later. The messages are pushed first and
-- the number is set last: if it were set before a push that fails, the batch would be lost. The push is the first write, so
-- Redis refuses the whole batch when it is out of memory.
local lane, base, producer = KEYS[1], KEYS[2], KEYS[4]
local known = redis.call('GET', producer)
if known then
  local last, outcome = string.match(known, '^(%d+) ?(.*)$')
  local newer = tonumber(ARGV[1]) - tonumber(last)
  if newer < 0 then return {-1} end
  if newer == 0 then
    local same = {}
    for index in string.gmatch(outcome, '%d+') do same[#same + 1] = tonumber(index) end
    return same
  end
end

local messages = cmsgpack.unpack(ARGV[6])
local count = #messages

local limit, room = tonumber(ARGV[3]), math.huge
if limit > 0 then
  room = limit - redis.call('ZCARD', KEYS[9])
  for _, index in ipairs({2, 3, 5, 6, 7, 8}) do room = room - redis.call('LLEN', KEYS[index]) end
end

-- All messages of a put call are stored, or none. After a refused message, no later one is stored, so the order stays.
local answer = {0}
if #KEYS > 9 then
  local batch = string.match(producer, '[^:]*$') .. ' ' .. ARGV[1]
  local fresh, marks, seen = {}, {}, {}
  for index = 1, count do
    local mark = KEYS[9 + index]
    local by = redis.call('GET', mark)
    if seen[mark] or (by and by ~= batch) then
      answer[#answer + 1] = index - 1
    elseif not by then
      if room < 1 then break end
      room = room - 1
      fresh[#fresh + 1], marks[#marks + 1] = messages[index], mark
    end
    seen[mark] = true
    answer[1] = index
  end
  for first = 1, #fresh, 1000 do redis.call('RPUSH', lane, unpack(fresh, first, math.min(first + 999, #fresh))) end
  for _, mark in ipairs(marks) do redis.call('SET', mark, batch, 'PX', ARGV[5]) end
else
  if limit > 0 then
    count = 0
    for size in string.gmatch(ARGV[4], '%d+') do
      if count + tonumber(size) > room then break end
      count = count + tonumber(size)
    end
  end
  for first = 1, count, 1000 do redis.call('RPUSH', lane, unpack(messages, first, math.min(first + 999, count))) end
  answer[1] = count
end
redis.call('SET', producer, ARGV[1] .. ' ' .. table.concat(answer, ' '), 'PX', ARGV[2])

-- If base is empty now, move one message there to wake a blocked worker.
if lane ~= base and redis.call('LLEN', base) == 0 then
  for _, index in ipairs({3, 5, 6}) do
    if redis.call('LMOVE', KEYS[index], base, 'LEFT', 'LEFT') then break end
  end
end
return answer
