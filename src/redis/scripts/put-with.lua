-- put-with: (nothing) -> waiting (tail of a lane), or -> delayed
-- KEYS  1 producer (string)  2 delayed (zset)  3 delayed messages (hash)  4 quarantine  5 requeued  6 inbox  7 high  8 base
--       9 low (lists)  10 meta (hash)  11.. as ARGV 11 says, marks of ids that callers chose (strings): one for each message, or none;
--       then for tracked messages: keys of all job records (_jobs.lua), and for each message its record; then, if any has a unique
--       key, for each the record of the job that has its key (hashes; its own record if none has it); the last two: claims of jobs
--       (hash), jobs to check (set)
-- ARGV  1 batch number  2 how long Redis keeps the producer key, in ms  3 most messages in the queue, or 0 for no limit
--       4 how many messages each put call has, such as 1,5,2; only for a limited queue  5 how long Redis keeps the marks, in ms
--       6 the messages, a msgpack array  7 their lane letter, or '' if they are delayed: then each begins with its lane letter
--       8 their due times, if they are delayed (+ms from now, or Unix ms), a msgpack array  9 their ids, a msgpack array; only
--       if they are delayed or tracked, or if callers chose the ids  10 '1' if they have a time to live, as x=+ms in the header
--       11 how many marks there are. Then for tracked messages:  12 how long the record of a done job is kept, in ms  13 of a failed one
--       14 who puts  15 '1' if the record has the payload  16 unique keys, a msgpack array ('' for none); '' if none has one  17 ids of the jobs that
--       have these keys, as the caller has read them, a msgpack array  18 '1' if a unique key is let go when its job starts
--       19 '1' if a message replaces the one that still waits under its unique key  20 id of the process that puts
-- Returns {ms until the next message is due or -1, how many were accepted, duplicates}. How many is -1 if a later batch was answered
--       already, and -2 if the unique keys have other jobs by now: nothing was stored, and the caller reads and asks again. Messages
--       after the accepted ones were refused, because the queue is full. Duplicates, such as '0 4=<id>': indexes, from 0, of messages
--       that were not stored, because Redis had their ids already, or a job with their unique key, with its id
--
-- Does more than put.lua: priorities, delays, limited queues, ids that callers chose, and records of jobs. The result is kept beside
-- the number, so a repeated batch gets the same reply, and a refused one is never stored later. The messages are stored first and
-- the number is set last: if it were set before a step that fails, the batch would be lost. The first write is one that Redis
-- refuses when it is out of memory, so it refuses the whole batch.
--
-- An id that a caller chose is also a duplicate while a message with it is delayed, or its job has not ended, which may be longer than
-- its mark is kept.
local producer, delayed, delayedMessages, lists, meta = KEYS[1], KEYS[2], KEYS[3], waitingLists(4), KEYS[10]
local number, limit, lane, markCount = tonumber(ARGV[1]), tonumber(ARGV[3]), ARGV[7], tonumber(ARGV[11])
local isDelayed, hasTtl, isTracked = lane == '', ARGV[10] == '1', ARGV[12] ~= nil
local now, ahead
if isDelayed or hasTtl or isTracked then now, ahead = keepTime(meta) end
local function reply(accepted, duplicates)
  return {isDelayed and nextDue(delayed, now) or -1, tonumber(accepted), duplicates or ''}
end

local last, outcome = string.match(redis.call('GET', producer) or '', '^(%d+) ?(.*)$')
if last and number < tonumber(last) then return reply(-1) end
if last and number == tonumber(last) then
  local accepted, same = string.match(outcome, '^(%d+) ?(.*)$')
  return reply(accepted or -1, same)
end

local messages = cmsgpack.unpack(ARGV[6])
local ids = ARGV[9] ~= '' and cmsgpack.unpack(ARGV[9])
local batch = string.match(producer, '[^:]*$') .. ' ' .. ARGV[1]
local beyondMarks = 11 + markCount
local jobs = isTracked and jobKeys(beyondMarks)
local uniques = isTracked and ARGV[16] ~= '' and cmsgpack.unpack(ARGV[16])
local holders = uniques and cmsgpack.unpack(ARGV[17])
local function recordOf(index) return KEYS[beyondMarks + 10 + index] end
local function holderRecordOf(index) return KEYS[beyondMarks + 10 + #messages + index] end

-- Whether a job has not ended.
local function isOpen(record)
  local status = redis.call('HGET', record, 'status')
  return status and not hasEnded(status)
end

for index = 1, uniques and #messages or 0 do
  if uniques[index] ~= '' and (redis.call('HGET', jobs.unique, uniques[index]) or '') ~= holders[index] then return reply(-2) end
end

-- Why a message is not stored: true, or the id of the job that has its unique key. The second result says that an earlier call
-- of this batch stored it.
local seen = {}
local function duplicateOf(index)
  local mark, unique = markCount > 0 and KEYS[10 + index], uniques and uniques[index] ~= '' and uniques[index]
  local by = mark and redis.call('GET', mark)
  if mark and by == batch and not seen[mark] then return false, true end
  if mark and (seen[mark] or by or redis.call('HEXISTS', delayedMessages, ids[index]) == 1) then return true end
  if mark and isTracked and isOpen(recordOf(index)) then return true end
  if unique and seen['=' .. unique] then return seen['=' .. unique] end
  if unique and holders[index] ~= '' and isOpen(holderRecordOf(index)) then return holders[index] end
  if unique then seen['=' .. unique] = ids[index] end
end

-- All messages of a put call are stored, or none. After a refused message, no later one is stored, so the order stays.
local room = limit > 0 and limit - redis.call('ZCARD', delayed) - waitingCount(lists) or math.huge
local accepted, fresh, duplicates = 0, {}, {}
local function accept(first, size)
  local wanted, same = {}, {}
  for index = first, first + size - 1 do
    local duplicate, isStored = duplicateOf(index)
    if duplicate then same[#same + 1] = {index, duplicate} elseif not isStored then wanted[#wanted + 1] = index end
    if markCount > 0 then seen[KEYS[10 + index]] = true end
  end
  if #wanted > room then return false end
  for _, index in ipairs(wanted) do fresh[#fresh + 1] = index end
  for _, pair in ipairs(same) do duplicates[#duplicates + 1] = pair end
  room = room - #wanted
  accepted = first + size - 1
  return true
end
if limit > 0 then
  for size in string.gmatch(ARGV[4], '%d+') do
    if not accept(accepted + 1, tonumber(size)) then break end
  end
elseif markCount > 0 or uniques then
  accept(1, #messages)
else
  accepted = #messages
  for index = 1, accepted do fresh[index] = index end
end

-- The message with the instant at which it expires, counted from when it becomes waiting.
local function withExpiry(message, from)
  return (string.gsub(message, '^([^\n]- x=)%+(%d+)', function(before, ttl) return before .. string.format('%.0f', from + ttl) end))
end

local function add(fields, name, value)
  fields[#fields + 1] = name
  fields[#fields + 1] = value
end

local moves, nowText = {}, now and timeText(now)
local terms, put = isTracked and ARGV[12] .. ' ' .. ARGV[13] .. ' ' .. ARGV[20], isTracked and nowText .. ' ' .. ARGV[14]
local function storeRecord(index, message, status, since)
  local record, id = recordOf(index), ids[index]
  if markCount > 0 then -- an ended job may have had the id of the caller
    local before = redis.call('HGET', record, 'status')
    if before then redis.call('ZREM', jobs[before], id) end
    redis.call('DEL', record)
    redis.call('ZREM', jobs.expiring, id)
  end
  local lineEnd = string.find(message, '\n', 1, true)
  local expiresAt = hasTtl and string.match(string.sub(message, 1, lineEnd), ' x=(%d+)[ \n]')
  local unique = uniques and uniques[index] ~= '' and uniques[index]
  local fields = {'status', status, 'terms', unique and '+' .. terms or terms, 'put', put}
  if ARGV[15] == '1' then add(fields, 'payload', string.sub(message, lineEnd + 1)) end
  if expiresAt then add(fields, 'expiresAt', expiresAt) end
  if unique then
    add(fields, 'unique', unique)
    if ARGV[18] == '1' then
      add(fields, 'untilStarted', '1')
      redis.call('SADD', KEYS[#KEYS], id)
    end
    redis.call('HSET', jobs.unique, unique, id)
  end
  redis.call('HSET', record, unpack(fields))
  moveJob(moves, false, status, id, since)
end

-- A message takes the place of one that has not started.
local function replace(index, holder)
  local record = holderRecordOf(index)
  local status = redis.call('HGET', record, 'status')
  local message = string.gsub(messages[index], '^(%l?#)[^ ]+', function(before) return before .. holder end)
  local entry = redis.call('HGET', delayedMessages, holder)
  if status == 'delayed' and entry then
    local due = isDelayed and math.max(dueAt(cmsgpack.unpack(ARGV[8])[index], now, ahead), now) or now
    if hasTtl then message = withExpiry(message, due) end
    redis.call('HSET', delayedMessages, holder, isDelayed and message or lane .. message)
    redis.call('ZADD', delayed, due, holder)
    redis.call('ZADD', jobs.delayed, due, holder)
  elseif (status == 'waiting' or status == 'delayed') and redis.call('HEXISTS', KEYS[#KEYS - 1], holder) == 0 then
    redis.call('HSET', record, 'replacement', string.match(message, '\n(.*)$'))
    redis.call('SADD', KEYS[#KEYS], holder)
  else
    return
  end
  --@ history.put('replace', message)
  local payload = string.match(message, '\n(.*)$')
  if ARGV[15] == '1' then redis.call('HSET', record, 'payload', payload) end
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
    --@ if due > now then history.put('put', message, 'dueAt', timeText(due)) else history.put('put', message) end
    if isTracked then storeRecord(index, message, due > now and 'delayed' or 'waiting', math.max(due, now)) end
  end
else
  local stored = {}
  for place, index in ipairs(fresh) do stored[place] = hasTtl and withExpiry(messages[index], now) or messages[index] end
  for first = 1, #stored, 1000 do redis.call('RPUSH', lists[lane], unpack(stored, first, math.min(first + 999, #stored))) end
  --@ for _, message in ipairs(stored) do history.put('put', message) end
  if isTracked then
    for place, index in ipairs(fresh) do storeRecord(index, stored[place], 'waiting', nowText) end
  end
end
if markCount > 0 then
  for _, index in ipairs(fresh) do redis.call('SET', KEYS[10 + index], batch, 'PX', ARGV[5]) end
end
if isTracked then storeMoves(jobs, moves) end
local texts = {}
for place, pair in ipairs(duplicates) do
  local index, existing = unpack(pair)
  if ARGV[19] == '1' and existing ~= true then replace(index, existing) end
  texts[place] = (index - 1) .. (existing ~= true and '=' .. existing or '')
end
outcome = table.concat(texts, ' ')
redis.call('SET', producer, ARGV[1] .. ' ' .. accepted .. ' ' .. outcome, 'PX', ARGV[2])
if isAnyWaiting then wakeWorker(lists) end
return reply(accepted, outcome)
