-- Longer than 250 lines: functions that scripts share. scripts.ts gives each script only those that it names.
-- What several scripts do in the same way. scripts.ts puts those of these functions before a script that it names. A function may
-- call the functions above it.

-- ---------------------------------------------------------------- time

-- The server's time, Unix ms.
local function serverNow()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- The time of a queue, Unix ms, and how far it is ahead of the server's clock. It is the server's clock, unless that was set back:
-- the time of a queue never runs backwards, and it does not stand still until the clock has caught up. Leases, due times and
-- expiry count in it. `time` in meta is the latest time that a script has stored, and `ahead` is what it was ahead then.
local function queueTime(time, ahead)
  local clock = serverNow()
  time, ahead = tonumber(time or 0), tonumber(ahead or 0)
  if clock >= time then return clock, 0 end
  ahead = math.max(ahead, time - clock)
  return clock + ahead, ahead
end

-- Stores the time of a queue, and returns it as queueTime does.
local function keepTime(meta)
  local now, ahead = queueTime(unpack(redis.call('HMGET', meta, 'time', 'ahead')))
  redis.call('HSET', meta, 'time', now, 'ahead', ahead)
  return now, ahead
end

-- The instant of a due time as the client writes it: '+<ms>' from now, or Unix ms by the server's clock.
local function dueAt(due, now, ahead)
  local after = string.match(due, '^%+(%d+)$')
  return after and now + tonumber(after) or tonumber(due) + ahead
end

-- Ms until the next delayed message is due; -1 if none is delayed.
local function nextDue(delayed, now)
  local first = redis.call('ZRANGE', delayed, '0', '0', 'WITHSCORES')
  return first[2] and math.max(0, math.ceil(first[2] - now)) or -1
end

-- ---------------------------------------------------------------- waiting lists

-- The lists of waiting messages: those of the lanes by their letters, and the inbox. KEYS from `first` on: quarantine, requeued,
-- inbox, high, base, low.
local function waitingLists(first)
  local quarantine, requeued, inbox, high, base, low = unpack(KEYS, first, first + 5)
  return {s = quarantine, a = requeued, inbox = inbox, h = high, b = base, l = low}
end

-- How many messages the lists have together.
local function waitingCount(lists)
  local count = 0
  for _, list in pairs(lists) do count = count + redis.call('LLEN', list) end
  return count
end

-- Blocked workers wait for base. If base is empty, moves a message of another list there, to wake one. Returns how many it moved.
local function wakeWorker(lists)
  if redis.call('LLEN', lists.b) > 0 then return 0 end
  for _, list in ipairs({lists.inbox, lists.h, lists.l}) do
    if redis.call('LMOVE', list, lists.b, 'LEFT', 'LEFT') then return 1 end
  end
  return 0
end

-- Moves the messages of the inbox back to the head of base, where they came from. They are newer than the claimed ones, so they go
-- back before those, and the order stays.
local function emptyInbox(lists)
  while redis.call('LMOVE', lists.inbox, lists.b, 'RIGHT', 'LEFT') do end
end

-- ---------------------------------------------------------------- messages

-- Parses the header of a message as envelope.ts does: strictly, and only in the first 256 bytes. Returns id, attempts, crashes,
-- fields as text, and the length of the header line; nothing if the message has no header.
local function parseHeader(message)
  local id, attempts, crashes, fields = string.match(string.sub(message, 1, 256), '^#([%w_.:~@-]+) (%d+) (%d+)([^\n]*)\n')
  if not id or #id > 64 or #attempts > 6 or #crashes > 6 or string.gsub(fields, ' %l+=[!-~]+', '') ~= '' then return end
  return id, tonumber(attempts), tonumber(crashes), fields, #id + #attempts + #crashes + #fields + 4
end

-- How many bytes after a header line of this length are the line of failures; 0 if there is none.
local function failuresLength(message, fields, headerLength)
  local length = tonumber(string.match(fields .. ' ', ' f=(%d+) ') or 0)
  if length == 0 or length > #message - headerLength then return 0 end
  return string.find(string.sub(message, headerLength + 1, headerLength + length), '^%[[ -~]*\n$') and length or 0
end

-- The header line, with its line break. The counts saturate: parseHeader reads six digits.
local function headerLine(id, attempts, crashes, fields)
  return '#' .. id .. ' ' .. math.min(attempts, 999999) .. ' ' .. math.min(crashes, 999999) .. fields .. '\n'
end

-- Stores a message under its id. If the id is taken, under its id with ~<n> behind it: callers may choose ids, so two messages can
-- have the same. One counter serves all ids, so that thousands with one id do not search for a free name. Returns the id under
-- which it is stored.
local function storeUnder(meta, hash, id, entry)
  local member = id
  while redis.call('HSETNX', hash, member, entry) == 0 do
    member = id .. '~' .. redis.call('HINCRBY', meta, 'copies', 1)
  end
  return member
end

-- ---------------------------------------------------------------- dead letters

-- The record of a message whose workers died, in the form of dead-letter-record.ts.
local function crashRecord(lane, crashes, attempts, worker)
  local form = '{"lane":"%s","reason":"its worker died %d times","attempts":%d,"worker":"%s"}'
  return string.format(form, lane, crashes, attempts, worker)
end

-- Stores a dead letter: the record, a line break, and the message byte for byte.
local function storeDeadLetter(meta, dead, deadMessages, id, record, message)
  redis.call('ZADD', dead, serverNow(), storeUnder(meta, deadMessages, id, record .. '\n' .. message))
end

-- Deletes the oldest dead letters.
local function dropOldest(dead, deadMessages, count)
  if count <= 0 then return end
  local oldest = redis.call('ZRANGE', dead, 0, count - 1)
  --@ local ids = {}
  --@ for at, key in ipairs(oldest) do ids[at] = history.letterId(deadMessages, key) end
  redis.call('HDEL', deadMessages, unpack(oldest))
  redis.call('ZREM', dead, unpack(oldest))
  --@ for _, id in ipairs(ids) do history.add('drop', id, '', '', '') end
end

-- ---------------------------------------------------------------- claims

-- The claims hash of a worker has these fields:
--   seq      number of the last take that returned messages
--   t<n>     messages of take n, a msgpack array: first a text with one lane letter for each message, then the messages
--   a<n>     acknowledgements of take n: '<how many> <of how many> <indexes>', such as '41 500 1-40,45'
--   e<n>.<i> message i of take n was settled with an effect: it was retried, buried or released
--   s<n>     message 1 of take n is quarantined
--   counted  what the worker has counted since it joined, as it sent it last: see addCounted
--   spared   the worker is being recovered, and only its quarantined message counts the crash
-- t<n>, a<n>, e<n>.* and s<n> are deleted together, when every message of take n is settled.

-- How many messages the workers in ARGV have, whose claims are the KEYS after number `before`; -1 if these are not the registered
-- workers: the caller must declare the claims of all.
local function activeCount(registered, before)
  if table.concat(registered, ' ') ~= table.concat(ARGV, ' ') then return -1 end
  local active = 0
  for index = 1, #ARGV do
    local claims = KEYS[before + index]
    for _, field in ipairs(redis.call('HKEYS', claims)) do
      local kind = string.sub(field, 1, 1)
      if kind == 'a' then
        local settled, size = string.match(redis.call('HGET', claims, field), '^(%d+) (%d+)')
        active = active + size - settled
      elseif kind == 'e' then
        active = active - 1
      end
    end
  end
  return active
end

-- Whether no effect may happen to message `index` of a take: it had one before, or its take is over.
local function isSettled(claims, number, index)
  return redis.call('HEXISTS', claims, 'a' .. number) == 0 or redis.call('HEXISTS', claims, 'e' .. number .. '.' .. index) == 1
end

-- Marks message `index` of a take as settled with an effect. Call it after the effect, so that no failing step loses the message.
local function markSettled(claims, number, index)
  redis.call('HSET', claims, 'e' .. number .. '.' .. index, 1)
end

-- Writes which messages of a take are acknowledged, unless Redis has newer acknowledgements, or its take is over. Returns whether
-- it did so.
local function acknowledge(claims, number, count, size, indexes)
  local stored = redis.call('HGET', claims, 'a' .. number)
  if not stored or tonumber(string.match(stored, '^%d+')) >= tonumber(count) then return false end
  redis.call('HSET', claims, 'a' .. number, count .. ' ' .. size .. ' ' .. indexes)
  --@ history.acks(number, redis.call('HGET', claims, 't' .. number), stored, indexes)
  return true
end

-- Sets table[index] = true for each index in a text such as '1-40,45'.
local function addIndexes(indexes, text)
  for from, to in string.gmatch(text, '(%d+)%-?(%d*)') do
    for index = tonumber(from), tonumber(to) or tonumber(from) do indexes[index] = true end
  end
end

-- Returns the takes that are not deleted yet, newest first: {number, hasQuarantined, settled = {index = true}, packed}
local function takesOf(claims)
  local byNumber, takes, fields = {}, {}, redis.call('HGETALL', claims)
  local function takeOf(number)
    if not byNumber[number] then byNumber[number] = {number = number, settled = {}} end
    return byNumber[number]
  end
  for at = 1, #fields, 2 do
    local kind, number, index = string.match(fields[at], '^(%l)(%d+)%.?(%d*)$')
    local take = kind and takeOf(tonumber(number))
    if kind == 't' then take.packed = fields[at + 1]
    elseif kind == 'a' then addIndexes(take.settled, string.match(fields[at + 1], '^%d+ %d+ (.*)$') or '')
    elseif kind == 'e' then take.settled[tonumber(index)] = true
    elseif kind == 's' then take.hasQuarantined = true end
  end
  for _, take in pairs(byNumber) do
    if take.packed then takes[#takes + 1] = take end
  end
  table.sort(takes, function(one, other) return one.number > other.number end)
  return takes
end

-- Calls visit(lane, message, index) for each unsettled message of a take, from the last to the first.
local function eachUnsettled(take, visit)
  local messages = cmsgpack.unpack(take.packed)
  for index = #messages - 1, 1, -1 do
    if not take.settled[index] then visit(string.sub(messages[1], index, index), messages[index + 1], index) end
  end
end

-- Gives the unsettled messages of a take back to the heads of their lanes, in their order. Returns how many.
local function giveBack(take, lists)
  local count = 0
  eachUnsettled(take, function(lane, message, index)
    redis.call('LPUSH', lists[lane], message)
    --@ history.active('give-back', message, ARGV[1], lane, take.number, index)
    count = count + 1
  end)
  return count
end

-- Deletes every field of a take.
local function forget(claims, take)
  redis.call('HDEL', claims, 't' .. take.number, 'a' .. take.number, 's' .. take.number)
  for index in pairs(take.settled) do redis.call('HDEL', claims, 'e' .. take.number .. '.' .. index) end
end

-- ---------------------------------------------------------------- workers

-- If no worker has joined or beaten for 0.4 of a lease, the server may have been unreachable for all of them, so none counts as
-- dead: gives every lease at least another third. A living worker beats every third. (With 0.6, a worker had no time left if its
-- last heartbeat was sent before an outage of half a lease.) A lease is extended once between two heartbeats of its worker: an
-- extended one ends at half a ms. Without that limit, a queue that only short programs use would never recover a worker.
local function extendAfterOutage(workers, seen, now, lease)
  if now - seen <= 0.4 * lease then return end
  local leases = redis.call('ZRANGEBYSCORE', workers, '-inf', now + lease / 3, 'WITHSCORES')
  for at = 1, #leases, 2 do
    if leases[at + 1] % 1 == 0 then redis.call('ZADD', workers, math.floor(now + lease / 3) - 0.5, leases[at]) end
  end
end

-- Unregisters a worker, and adds the counts in its heartbeat report to the totals of the queue. Only the call that removes it from
-- the registry adds them, so a repeated call adds nothing. KEYS from `first` on: registry, meta, heartbeats, commands, registry of
-- the earlier layouts (join.lua).
local function unregister(first, workers, worker, report)
  local registry, meta, heartbeats, commands, earlier = unpack(KEYS, first, first + 4)
  redis.call('ZREM', workers, worker)
  if redis.call('HDEL', registry, worker) == 1 then
    local done, failed = string.match(report or redis.call('HGET', heartbeats, worker) or '', '^(%d+) (%d+) ')
    if done then
      redis.call('HINCRBY', meta, 'done', done)
      redis.call('HINCRBY', meta, 'failed', failed)
    end
  end
  redis.call('HDEL', heartbeats, worker)
  redis.call('HDEL', commands, worker)
  if redis.call('EXISTS', registry) == 0 then redis.call('DEL', earlier) end
end
