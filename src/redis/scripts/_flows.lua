-- Jobs that wait for others: what scripts do with them in the same way when the others end. parent-ended.lua lists the fields of the hash of parents.

-- What the functions below need: keys, the time, and `moves` of moveJob. They collect the jobs that wait for nothing any more: ids in `started`, messages
-- in `pushed`, a list for each lane. storeStarted stores both in a few calls. `isUnwatched`: no process watches any of these jobs.
local function newFlow(delayed, delayedMessages, blocked, jobs, moves, now, ahead, isUnwatched)
  return {
    delayed = delayed, delayedMessages = delayedMessages, blocked = blocked, jobs = jobs, moves = moves,
    now = now, ahead = ahead, nowText = timeText(now), isUnwatched = isUnwatched, started = {}, pushed = {},
  }
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

-- A job waits for nothing any more. `payload`: the results of its parents; absent if it has its own.
local function startJob(flow, id, parents, record, entry, policy, due, payload)
  local now, dueNow = flow.now, flow.now
  if due ~= '' then dueNow = math.max(dueAt(due, now, flow.ahead), now) end
  local header = string.match(entry, '^[^\n]*\n')
  local body = payload or string.sub(entry, #header + 1)
  header = string.gsub(header, ' x=%+(%d+)', function(ttl) return ' x=' .. timeText(dueNow + ttl) end)
  header = string.gsub(header, ' d=%d+', ' d=' .. timeText(dueNow)) -- it is ready then
  local watched = not flow.isUnwatched and redis.call('HGET', record, 'watched')
  local hasPayload = payload and redis.call('HEXISTS', record, 'payload') == 1
  if dueNow > now then
    redis.call('HSET', flow.delayedMessages, id, header .. body)
    redis.call('ZADD', flow.delayed, dueNow, id)
    redis.call('ZADD', flow.jobs.delayed, dueNow, id)
    redis.call('ZREM', flow.blocked, id)
    if hasPayload then redis.call('HSET', record, 'payload', payload) end
    --@ history.add('move', id, '', '', '', 'dueAt', timeText(dueNow))
  else
    local lane = string.sub(header, 1, 1)
    local messages = flow.pushed[lane] or {}
    flow.pushed[lane] = messages
    messages[#messages + 1] = string.sub(header, 2) .. body
    flow.started[#flow.started + 1] = id
    if hasPayload then
      redis.call('HSET', record, 'status', 'waiting', 'payload', payload)
    else
      redis.call('HSET', record, 'status', 'waiting')
    end
    moveJob(flow.moves, 'delayed', 'waiting', id, flow.nowText)
    if watched then redis.call('PUBLISH', record, 'waiting') end
    --@ history.add('promote', id, '', '', '')
  end
  if policy == 'start' then redis.call('DEL', parents) else redis.call('PEXPIRE', parents, '2592000000') end
  return 'due'
end

-- The error of a job whose flow was never put as a whole, as JSON.
local function unstarted()
  return '{"name":"FlowNotStartedError","message":"its flow was never put as a whole"}'
end

-- Parents of a job have ended. `entry`: its delayed message; `ends`: for each parent four words: the parent, as it was noted; how it ended: a
-- status, or 'gone' if its record has expired; its result as text; its error as JSON. Each counts once, also if it is notified twice. Without ends:
-- goes on after 'more'. Returns what parent-ended answers; for 'cancelled', which the caller must do, also the first parent that has not ended well.
local function endParents(flow, id, entry, parents, record, ends)
  local names = {'left', 'policy', 'input', 'due'}
  for at = 1, #ends, 4 do names[#names + 1] = '=' .. ends[at] end
  local noted = redis.call('HMGET', parents, unpack(names))
  local left, policy, input, due = tonumber(noted[1] or -1), noted[2], noted[3], noted[4]
  if not entry or left < 0 then return 'known' end -- it may have been cancelled or cleared
  local fields, counted, failed, only = {}, {}, nil, nil
  for at = 1, #ends, 4 do
    local parent, how, result, failure = ends[at], ends[at + 1], ends[at + 2], ends[at + 3]
    local place = 5 + (at - 1) / 4
    if noted[place] == '' and not counted[parent] then -- its message may be there twice, if another program has put a copy
      local size = #fields
      counted[parent] = true
      fields[size + 1], fields[size + 2] = names[place], how
      if result ~= '' then fields[size + 3], fields[size + 4] = 'r' .. parent, result end
      if failure ~= '' then fields[#fields + 1], fields[#fields + 2] = 'e' .. parent, failure end
      left, only = left - 1, result ~= '' and result or 'null'
      local isUnstarted = policy == 'start' or (how == 'cancelled' and failure == unstarted())
      if how ~= 'done' and (policy == 'cancel' or isUnstarted) and not failed then failed = {name = parent, how = how, isUnstarted = isUnstarted} end
    end
  end
  if not only and #ends > 0 and left > 0 then return 'known' end
  local payload = input == 'only' and only
  local isReady = left == 0 and (payload or input == 'own')
  redis.call('HSET', parents, 'left', isReady and not failed and '-1' or left, unpack(fields)) -- a text: Redis is slow at formatting numbers
  if failed then return 'cancelled', failed end
  if left > 0 then return 'waiting' end
  if not isReady then
    payload = buildPayload(parents, input)
    if not payload then return 'more' end
    redis.call('HSET', parents, 'left', '-1')
  end
  return startJob(flow, id, parents, record, entry, policy, due, payload)
end

-- Stores what startJob collected, but for moves. Returns whether there are new waiting messages.
local function storeStarted(flow, lists)
  local ids = flow.started
  if #ids == 0 then return false end
  for lane, messages in pairs(flow.pushed) do redis.call('RPUSH', lists[lane], unpack(messages)) end
  redis.call('HDEL', flow.delayedMessages, unpack(ids))
  redis.call('ZREM', flow.delayed, unpack(ids))
  redis.call('ZREM', flow.blocked, unpack(ids))
  return true
end
