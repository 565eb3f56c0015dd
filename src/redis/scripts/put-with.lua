-- put-with: (nothing) -> waiting (tail of a lane), or -> delayed
-- KEYS  1 producer (string)  2 delayed (zset)  3 delayed messages (hash)  4 quarantine  5 requeued  6 inbox  7 high  8 base
--       9 low (lists)  10 meta (hash)  11.. marks of ids that callers chose (strings): one for each message, or none
-- ARGV  1 batch number  2 how long Redis keeps the producer key, in ms  3 most messages in the queue, or 0 for no limit
--       4 how many messages each put call has, such as 1,5,2; only for a limited queue  5 how long Redis keeps the marks, in ms
--       6 the messages, a msgpack array  7 their lane letter, or '' if they are delayed: then each begins with its lane letter
--       8 their due times, if they are delayed (+ms from now, or Unix ms), a msgpack array  9 their ids, a msgpack array; only
--       if they are delayed, or if callers chose the ids  10 '1' if they have a time to live, as x=+ms in the header
-- Returns {ms until the next message is due or -1, how many were accepted, index, ..}. How many is -1 if a later batch was answered
--       already. Messages after the accepted ones were refused, because the queue is full. The indexes, from 0, are of duplicates:
--       Redis had their ids already
--
-- Does more than put.lua: priorities, delays, limited queues, and ids that callers chose. The result is kept beside the number, so
-- a repeated batch gets the same reply, and a refused one is never stored later. The messages are stored first and the number is
-- set last: if it were set before a step that fails, the batch would be lost. The first write is one that Redis refuses when it is
-- out of memory, so it refuses the whole batch.
--
-- An id that a caller chose is also a duplicate while a message with it is delayed, which may be longer than its mark is kept.
local producer, delayed, delayedMessages, lists, meta = KEYS[1], KEYS[2], KEYS[3], waitingLists(4), KEYS[10]
local number, limit, lane = tonumber(ARGV[1]), tonumber(ARGV[3]), ARGV[7]
local isDelayed, hasMarks, hasTtl = lane == '', #KEYS > 10, ARGV[10] == '1'
local now, ahead
if isDelayed or hasTtl then now, ahead = keepTime(meta) end
local function reply(answer)
  table.insert(answer, 1, isDelayed and nextDue(delayed, now) or -1)
  return answer
end

local last, outcome = string.match(redis.call('GET', producer) or '', '^(%d+) ?(.*)$')
if last and number < tonumber(last) then return reply({-1}) end
if last and number == tonumber(last) then
  local same = {}
  for index in string.gmatch(outcome, '%d+') do same[#same + 1] = tonumber(index) end
  return reply(same)
end

-- All messages of a put call are stored, or none. After a refused message, no later one is stored, so the order stays.
local messages = cmsgpack.unpack(ARGV[6])
local room = limit > 0 and limit - redis.call('ZCARD', delayed) - waitingCount(lists) or math.huge
local batch = string.match(producer, '[^:]*$') .. ' ' .. ARGV[1]
local answer, accepted, fresh, seen = {0}, 0, {}, {}
local ids = ARGV[9] ~= '' and cmsgpack.unpack(ARGV[9])
if hasMarks then
  for index = 1, #messages do
    local mark = KEYS[10 + index]
    local by = redis.call('GET', mark)
    if seen[mark] or (by and by ~= batch) or (not by and redis.call('HEXISTS', delayedMessages, ids[index]) == 1) then
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
  if limit > 0 then
    for size in string.gmatch(ARGV[4], '%d+') do
      if accepted + tonumber(size) > room then break end
      accepted = accepted + tonumber(size)
    end
  else
    accepted = #messages
  end
  for index = 1, accepted do fresh[index] = index end
end

-- The message with the instant at which it expires, counted from when it becomes waiting.
local function withExpiry(message, from)
  return (string.gsub(message, '^([^\n]- x=)%+(%d+)', function(before, ttl) return before .. string.format('%.0f', from + ttl) end))
end

local isAnyWaiting = not isDelayed
if isDelayed then
  local dues = cmsgpack.unpack(ARGV[8])
  for _, index in ipairs(fresh) do
    local due = dueAt(dues[index], now, ahead)
    local message = hasTtl and withExpiry(messages[index], math.max(due, now)) or messages[index]
    if due > now then
      redis.call('ZADD', delayed, due, storeUnder(meta, delayedMessages, ids[index], message))
    else
      redis.call('RPUSH', lists[string.sub(message, 1, 1)], string.sub(message, 2))
      isAnyWaiting = true
    end
  end
else
  local stored = {}
  for place, index in ipairs(fresh) do stored[place] = hasTtl and withExpiry(messages[index], now) or messages[index] end
  for first = 1, #stored, 1000 do redis.call('RPUSH', lists[lane], unpack(stored, first, math.min(first + 999, #stored))) end
end
if hasMarks then
  for _, index in ipairs(fresh) do redis.call('SET', KEYS[10 + index], batch, 'PX', ARGV[5]) end
end
answer[1] = accepted
redis.call('SET', producer, ARGV[1] .. ' ' .. table.concat(answer, ' '), 'PX', ARGV[2])
if isAnyWaiting then wakeWorker(lists) end
return reply(answer)
