-- delay: (nothing) -> delayed
-- KEYS  1 delayed (zset)  2 delayed messages (hash)  3 producer (string)  4 base  5 inbox  6 high  7 low  8 requeued  9 quarantine
--       (lists)  10.. marks of ids that callers chose (strings): one for each message, or none
-- ARGV  1 batch number  2 how long Redis keeps the producer key, in ms  3 most messages in the queue, or 0 for no limit
--       4 how many messages each put call has, such as 1,5,2; only for a limited queue  5 how long Redis keeps the marks, in ms
--       6.. for each message: its id, its due time (+ms from now, or Unix ms), and its lane letter followed by the message
-- Returns {ms until the next message is due or -1, how many were accepted, index, ..}: see place.lua
--
-- Batch numbers are shared with place.lua. As there, the result is kept beside the number, and the first write is one that
-- Redis refuses when it is out of memory.
local delayed, delayedMessages, producer, base, inbox, high, low, requeued, quarantine = unpack(KEYS, 1, 9)
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function tell(answer)
  local first = redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')
  table.insert(answer, 1, #first == 0 and -1 or math.max(0, math.ceil(first[2] - now)))
  return answer
end

local number = tonumber(ARGV[1])
local last, outcome = string.match(redis.call('GET', producer) or '', '^(%d+) ?(.*)$')
if last and number < tonumber(last) then return tell({-1}) end
if last and number == tonumber(last) then
  local same = {}
  for index in string.gmatch(outcome, '%d+') do same[#same + 1] = tonumber(index) end
  return tell(same)
end

local limit, room = tonumber(ARGV[3]), math.huge
if limit > 0 then
  room = limit - redis.call('ZCARD', delayed)
  for _, list in ipairs({base, inbox, high, low, requeued, quarantine}) do room = room - redis.call('LLEN', list) end
end

-- All messages of a put call are stored, or none. After a refused message, no later one is stored, so the order stays.
local batch = string.match(producer, '[^:]*$') .. ' ' .. ARGV[1]
local messages, accepted, answer, fresh, seen = (#ARGV - 5) / 3, 0, {0}, {}, {}
if #KEYS > 9 then
  for index = 1, messages do
    local mark = KEYS[9 + index]
    local by = redis.call('GET', mark)
    if seen[mark] or (by and by ~= batch) then
      answer[#answer + 1] = index - 1
    elseif not by then
      if room < 1 then break end
      room = room - 1
      fresh[#fresh + 1] = index
    end
    seen[mark] = true
    accepted = index
  end
else
  if limit == 0 then
    accepted = messages
  else
    for size in string.gmatch(ARGV[4], '%d+') do
      room = room - tonumber(size)
      if room < 0 then break end
      accepted = accepted + tonumber(size)
    end
  end
  for index = 1, accepted do fresh[index] = index end
end
answer[1] = accepted

for _, index in ipairs(fresh) do
  local id, due, entry = unpack(ARGV, 3 + 3 * index, 5 + 3 * index)
  -- A caller may use its id again after the window. Without a suffix, the second message would overwrite the first.
  local member, n = id, 0
  while redis.call('HSETNX', delayedMessages, member, entry) == 0 do
    n = n + 1
    member = id .. '~' .. n
  end
  local after = string.match(due, '^%+(%d+)$')
  redis.call('ZADD', delayed, after and now + tonumber(after) or tonumber(due), member)
  if #KEYS > 9 then redis.call('SET', KEYS[9 + index], batch, 'PX', ARGV[5]) end
end
redis.call('SET', producer, ARGV[1] .. ' ' .. table.concat(answer, ' '), 'PX', ARGV[2])
return tell(answer)
