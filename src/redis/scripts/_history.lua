-- The history of a queue: what its scripts write into its stream. Only the version of a script for a queue with a history has these
-- functions, and the lines that begin with --@. scripts.ts puts before them:
--   local history = {key = table.remove(KEYS), terms = table.remove(ARGV, 1)}
-- terms: 'MAXLEN <entries>' or 'MINID <ms>', and ' payload' behind it if the entries of puts have the payload.
--
-- An entry is added after the first write of its script: Redis then allows it when out of memory. What Redis refuses all the same, such
-- as a key of another type, must not stop the transition half-way: so redis.pcall, and the entry is missing.

-- Adds an entry. Each has these five fields, '' if they do not apply; others may follow. The first entry of a script trims the stream.
function history.add(verb, id, worker, attempt, failure, ...)
  if history.isTrimmed then
    return redis.pcall('XADD', history.key, '*', 'verb', verb, 'id', id, 'worker', worker, 'attempt', attempt, 'error', failure, ...)
  end
  history.isTrimmed = true
  local way, bound = string.match(history.terms, '^(%u+) (%d+)')
  if way == 'MINID' then
    local time = redis.call('TIME')
    bound = string.format('%.0f', math.max(0, time[1] * 1000 - bound))
  end
  return redis.pcall('XADD', history.key, way, '~', bound, '*',
    'verb', verb, 'id', id, 'worker', worker, 'attempt', attempt, 'error', failure, ...)
end

-- Adds the entry of a message that was put, with its lane letter or without. `...`: more fields.
function history.put(verb, message, ...)
  local id = string.match(message, '^%l?#([^ \n]+) ') or ''
  if history.hasPayload == nil then history.hasPayload = string.find(history.terms, 'payload', 1, true) ~= nil end
  if history.hasPayload then
    return history.add(verb, id, '', '', '', 'payload', string.match(message, '^[^\n]*\n(.*)$') or message, ...)
  end
  return history.add(verb, id, '', '', '', ...)
end

-- Id and attempts, as text, of a message; nothing if it has no header. It is parseHeader with a short way for the usual header, which
-- has no fields: a take of 500 calls it 500 times, and parseHeader costs Redis as much as the XADD.
function history.header(message)
  local id, attempts, crashes = string.match(message, '^#([%w_.:~@-]+) (%d+) (%d+)\n')
  if id and #id <= 64 and #attempts <= 6 and #crashes <= 6 then return id, attempts end
  return parseHeader(message)
end

-- Adds an entry of an active message. A message without a header has the id that claim.ts gives it.
function history.active(verb, message, worker, lane, number, index, ...)
  local id, attempts = history.header(message)
  if not id then id, attempts = worker .. '.' .. lane .. number .. '.' .. index, 0 end
  -- Lua in Redis takes long to make text of a number, and most messages are in their first attempt.
  return history.add(verb, id, worker, attempts == '0' and '1' or attempts + 1, '', ...)
end

-- Adds the entries of messages of a take that are acknowledged now. packed, before: what fields t<n> and a<n> of the claims were. `now`: the
-- indexes of acknowledged messages; all if absent. `others`: indexes of messages that were settled with an effect.
function history.acks(number, packed, before, now, others)
  if not packed then return end
  local skipped, acked, messages = {}, {}, cmsgpack.unpack(packed)
  addIndexes(skipped, string.match(before or '', '^%d+ %d+ (.*)$') or '')
  addIndexes(skipped, others or '')
  if now then addIndexes(acked, now) end
  for index = 1, #messages - 1 do
    if not skipped[index] and (not now or acked[index]) then
      history.active('ack', messages[index + 1], ARGV[1], string.sub(messages[1], index, index), number, index)
    end
  end
end

-- The number of the attempt of a claimed message. A take is unpacked once for all calls of a script.
function history.attempt(claims, number, index)
  if not history.takes then history.takes = {} end
  if not history.takes[number] then
    local packed = redis.call('HGET', claims, 't' .. number)
    history.takes[number] = packed and cmsgpack.unpack(packed) or {}
  end
  local _, attempts = parseHeader(history.takes[number][index + 1] or '')
  return (attempts or 0) + 1
end

-- Adds the entry of a buried message. `record`: its dead letter, without the message.
function history.bury(id, worker, record)
  local isRead, letter = pcall(cjson.decode, record)
  if not isRead or type(letter) ~= 'table' then letter = {} end
  local name = type(letter.error) == 'table' and letter.error.name or ''
  return history.add('bury', id, worker, tostring(letter.attempts or ''), tostring(name), 'reason', tostring(letter.reason or ''))
end

-- The id of the message of a dead letter: its key has ~<n> behind it if two letters have the same id.
function history.letterId(deadMessages, key)
  local letter = redis.call('HGET', deadMessages, key) or ''
  return parseHeader(string.sub(letter, (string.find(letter, '\n', 1, true) or 0) + 1)) or key
end

-- The name of the error of the last failure in a message that comes back, if it is one of the attempt that just ended.
function history.failure(message)
  local _, attempts, _, fields, length = parseHeader(message)
  local line = attempts and string.sub(message, length + 1, length + failuresLength(message, fields, length)) or ''
  local attempt, name = string.match(line, '.*{"attempt":(%d+),"at":%d+,"name":"([^"\\]*)')
  return attempts, tonumber(attempt) == attempts and name or ''
end
