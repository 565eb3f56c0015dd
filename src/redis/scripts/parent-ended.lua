-- parent-ended: jobs that wait for others -> jobs that wait for fewer; due after the last one
-- KEYS  1 blocked (zset)  2 delayed (zset)  3 delayed messages (hash)  4 meta (hash)  5..15 keys of all job records (_jobs.lua)
--       16 quarantine  17 requeued  18 inbox  19 high  20 base  21 low (lists)  22.. for each job its parents, then its record (hashes)
-- ARGV  1 a msgpack array, for each job: how many words follow, its id, and for each parent that has ended: the parent, as it was noted; how it
--       ended: a status, or 'gone' if its record has expired; its result as text; its error as JSON. No parents: go on after 'more'
--       2.. names of notices in the outbox of this queue, which this call delivers
-- Returns for each job 'due' if it is waiting now, or due at its own time; 'waiting' if it waits for others; 'cancelled' if it is cancelled because
--         of this; 'known' if it was notified before, or waits for nothing any more; 'more' if all have ended, and the caller must call again
--
-- The hash of parents has these fields:
--   =<parent>  '' until it has ended, then how it ended; r<parent> its result as text; e<parent> its error as JSON
--   order      the parents, one on each line
--   left       how many have not ended; -1 when the job is due
--   policy     'cancel': the job is cancelled if a parent does not end well; 'run': it runs all the same;
--              'continue': the same, and the parent continues it; 'start': its only parent is the start
--              of its flow, which is not put as a whole yet
--   input      'own'; 'previous': the results of its parents become its payload: that of one parent, or an array of several; 'only': the same,
--              and it has one parent; otherwise the payload with a dot for the result of each parent in order, such as '[.,[.,.]]'
--   since      when it was noted, Unix ms
--   due        when it is due after its parents: '+<ms>', Unix ms, or ''
--   part<n>    while the payload is built: a part of it; parts: how many; read: how many bytes of order; filled: how many bytes of input
--
-- Calls may be repeated, and come from several processes.
local blocked, delayed, delayedMessages, meta, jobs, lists = KEYS[1], KEYS[2], KEYS[3], KEYS[4], jobKeys(5), waitingLists(16)
local unstarted = '{"name":"FlowNotStartedError","message":"its flow was never put as a whole"}'
-- What is stored at the end, in a few calls: changes of indexes, ids of jobs that wait no more, and their messages by lane letter.
local moves, started, pushed = {}, {}, {}
local now, ahead, nowText
local function readTime()
  if now then return end
  now, ahead = keepTime(meta)
  nowText = timeText(now)
end

-- Reads the results of up to 1,000 more parents, so that no call takes long. Returns the payload if these were the last ones. It may be called
-- again by other processes: each call makes one more part.
local function buildPayload(parents, input)
  local order, read, filled, parts = unpack(redis.call('HMGET', parents, 'order', 'read', 'filled', 'parts'))
  local from, filledTo, count = tonumber(read or 0) + 1, tonumber(filled or 0), tonumber(parts or 0)
  local names = {}
  while #names < 1000 and from <= #order do
    local stop = string.find(order, '\n', from, true) or #order + 1
    names[#names + 1] = 'r' .. string.sub(order, from, stop - 1)
    from = stop + 1
  end
  local results = redis.call('HMGET', parents, unpack(names))
  for place = 1, #results do results[place] = results[place] or 'null' end
  local isLast, text, filledNow = from > #order, nil, filledTo
  if input == 'previous' or input == 'only' then
    text = table.concat(results, ',')
  else
    for _ = 1, #results do filledNow = string.find(input, '.', filledNow + 1, true) end
    if isLast then filledNow = #input end
    local place = 0
    text = string.gsub(string.sub(input, filledTo + 1, filledNow), '%.', function() place = place + 1 return results[place] end)
  end
  if not isLast then
    redis.call('HSET', parents, 'part' .. count, text, 'parts', count + 1, 'read', from - 1, 'filled', filledNow)
    return
  end
  local pieces = {}
  for part = 0, count - 1 do
    pieces[#pieces + 1] = redis.call('HGET', parents, 'part' .. part)
    redis.call('HDEL', parents, 'part' .. part)
  end
  pieces[#pieces + 1] = text
  if input ~= 'previous' and input ~= 'only' then return table.concat(pieces) end
  return (count > 0 or #results > 1) and '[' .. table.concat(pieces, ',') .. ']' or text
end

-- A parent has not ended well.
local function cancel(id, parents, record, parent, how, isUnstarted)
  redis.call('HDEL', delayedMessages, id)
  redis.call('ZREM', delayed, id)
  redis.call('ZREM', blocked, id)
  local message = 'it waited for job ' .. parent .. ', which is ' .. how
  local error = cjson.encode({name = 'ParentFailedError', message = message})
  addFailure(record, isUnstarted and unstarted or error)
  readTime()
  endJob(jobs, record, id, readJob(record, {}), 'cancelled', now, false)
  --@ history.add('cancel', id, '', '', isUnstarted and 'FlowNotStartedError' or 'ParentFailedError')
  redis.call('PEXPIRE', parents, 604800000)
  return 'cancelled'
end

-- A job waits for nothing any more. `payload`: the results of its parents; absent if it has its own.
local function start(id, parents, record, entry, policy, due, payload)
  readTime()
  local dueNow = now
  if due ~= '' then dueNow = math.max(dueAt(due, now, ahead), now) end
  local header = string.match(entry, '^[^\n]*\n')
  local body = payload or string.sub(entry, #header + 1)
  header = string.gsub(header, ' x=%+(%d+)', function(ttl) return ' x=' .. timeText(dueNow + ttl) end)
  header = string.gsub(header, ' d=%d+', ' d=' .. timeText(dueNow)) -- it is ready then
  local found = redis.call('HMGET', record, 'watched', payload and 'payload' or 'watched')
  local watched, hasPayload = found[1], payload and found[2]
  if dueNow > now then
    redis.call('HSET', delayedMessages, id, header .. body)
    redis.call('ZADD', delayed, dueNow, id)
    redis.call('ZADD', jobs.delayed, dueNow, id)
    redis.call('ZREM', blocked, id)
    if hasPayload then redis.call('HSET', record, 'payload', payload) end
    --@ history.add('move', id, '', '', '', 'dueAt', timeText(dueNow))
  else
    local lane = string.sub(header, 1, 1)
    local messages = pushed[lane] or {}
    pushed[lane] = messages
    messages[#messages + 1] = string.sub(header, 2) .. body
    started[#started + 1] = id
    if hasPayload then
      redis.call('HSET', record, 'status', 'waiting', 'payload', payload)
    else
      redis.call('HSET', record, 'status', 'waiting')
    end
    moveJob(moves, 'delayed', 'waiting', id, nowText)
    if watched then redis.call('PUBLISH', record, 'waiting') end
    --@ history.add('promote', id, '', '', '')
  end
  if policy == 'start' then redis.call('DEL', parents) else redis.call('PEXPIRE', parents, 2592000000) end
  return 'due'
end

-- Parents of a job have ended. `entry`: its delayed message; `ends`: for each parent four words: the parent, as it was noted; how it ended: a
-- status, or 'gone' if its record has expired; its result as text; its error as JSON. Each counts once, also if it is notified twice. Without ends:
-- goes on after 'more'.
local function notify(id, entry, parents, record, ends)
  local names = {'left', 'policy', 'input', 'due'}
  for at = 1, #ends, 4 do names[#names + 1] = '=' .. ends[at] end
  local noted = redis.call('HMGET', parents, unpack(names))
  local left, policy, input, due = tonumber(noted[1] or -1), noted[2], noted[3], noted[4]
  if not entry or left < 0 then return 'known' end -- it may have been cancelled or cleared
  local fields, failed, only = {}, nil, nil
  for at = 1, #ends, 4 do
    local parent, how, result, failure = ends[at], ends[at + 1], ends[at + 2], ends[at + 3]
    if noted[5 + (at - 1) / 4] == '' then
      local size = #fields
      fields[size + 1], fields[size + 2] = '=' .. parent, how
      if result ~= '' then fields[size + 3], fields[size + 4] = 'r' .. parent, result end
      if failure ~= '' then fields[#fields + 1], fields[#fields + 2] = 'e' .. parent, failure end
      left, only = left - 1, result ~= '' and result or 'null'
      local isUnstarted = policy == 'start' or (how == 'cancelled' and failure == unstarted)
      if how ~= 'done' and (policy == 'cancel' or isUnstarted) and not failed then failed = {parent, how, isUnstarted} end
    end
  end
  if not only and #ends > 0 and left > 0 then return 'known' end
  local payload = input == 'only' and only
  local isReady = left == 0 and (payload or input == 'own')
  redis.call('HSET', parents, 'left', isReady and not failed and -1 or left, unpack(fields))
  if failed then return cancel(id, parents, record, unpack(failed)) end
  if left > 0 then return 'waiting' end
  if not isReady then
    payload = buildPayload(parents, input)
    if not payload then return 'more' end
    redis.call('HSET', parents, 'left', -1)
  end
  return start(id, parents, record, entry, policy, due, payload)
end

local words, at, ids, ends, reply = cmsgpack.unpack(ARGV[1]), 1, {}, {}, {}
while words[at] do
  ids[#ids + 1] = words[at + 1]
  ends[#ends + 1] = {unpack(words, at + 2, at + words[at])}
  at = at + words[at] + 1
end
local entries = redis.call('HMGET', delayedMessages, unpack(ids))
local problem -- of a job whose keys another program has changed: the others must not be lost with it
for place, id in ipairs(ids) do
  local isFine, how = pcall(notify, id, entries[place], KEYS[20 + 2 * place], KEYS[21 + 2 * place], ends[place])
  reply[place] = how
  if not isFine then problem = how end
end
if #started > 0 then
  for lane, messages in pairs(pushed) do redis.call('RPUSH', lists[lane], unpack(messages)) end
  redis.call('HDEL', delayedMessages, unpack(started))
  redis.call('ZREM', delayed, unpack(started))
  redis.call('ZREM', blocked, unpack(started))
  storeMoves(jobs, moves)
end
if #ARGV > 1 and not problem then redis.call('HDEL', jobs.outbox, unpack(ARGV, 2)) end
if #started > 0 then wakeWorker(lists) end
if problem then return type(problem) == 'table' and problem or redis.error_reply(problem) end -- a table since Redis 7
return reply
