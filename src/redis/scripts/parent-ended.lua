-- parent-ended: a job that waits for others -> one that waits for one less; due after the last one
-- KEYS  1 its parents (hash)  2 blocked (zset)  3 its record (hash)  4 delayed (zset)  5 delayed messages (hash)  6 meta (hash)
--       7..17 keys of all job records (_jobs.lua)  18 quarantine  19 requeued  20 inbox  21 high  22 base  23 low (lists)
-- ARGV  1 id of the job  2 the parent, as block has noted it; '' to go on after 'more'  3 how it ended: a status, or 'gone' if its record has
--       expired  4 its result as text  5 its error as JSON
-- Returns 'due' if the job is waiting now, or due at its own time; 'waiting' if it waits for others; 'cancelled' if it is cancelled because of
--         this; 'known' if it was notified before, or waits for nothing any more; 'more' if all have ended, and the caller must call again
--
-- The hash of parents has these fields:
--   =<parent>  '' until it has ended, then how it ended; r<parent> its result as text; e<parent> its error as JSON
--   order      the parents, one on each line
--   left       how many have not ended; -1 when the job is due
--   policy     'cancel': the job is cancelled if a parent does not end well; 'run': it runs all the same;
--              'continue': the same, and the parent continues it; 'start': its only parent is the start
--              of its flow, which is not put as a whole yet
--   input      'own'; 'previous': the results of its parents become its payload: that of one parent, or an array of several; otherwise the payload
--              with a dot for the result of each parent in order, such as '[.,[.,.]]'
--   since      when it was noted, Unix ms
--   due        when it is due after its parents: '+<ms>', Unix ms, or ''
--   part<n>    while the payload is built: a part of it; parts: how many; read: how many bytes of order; filled: how many bytes of input
--
-- The results of many parents are read 1,000 in a call, so that no call takes long. Calls may be repeated, and come from several processes:
-- each makes one more part.
local parents, blocked, record, delayed, delayedMessages, meta, jobs = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], jobKeys(7)
local lists = waitingLists(18)
local id, parent, how, result, failure = unpack(ARGV)
local entry = redis.call('HGET', delayedMessages, id)
local known, left, policy, input, due = unpack(redis.call('HMGET', parents, '=' .. parent, 'left', 'policy', 'input', 'due'))
left = tonumber(left)
if not entry or not left or left < 0 or (parent ~= '' and not known) then return 'known' end -- it may have been cancelled or cleared

local unstarted = '{"name":"FlowNotStartedError","message":"its flow was never put as a whole"}'
if known == '' then
  redis.call('HSET', parents, '=' .. parent, how)
  if result ~= '' then redis.call('HSET', parents, 'r' .. parent, result) end
  if failure ~= '' then redis.call('HSET', parents, 'e' .. parent, failure) end
  left = redis.call('HINCRBY', parents, 'left', -1)
  local isUnstarted = policy == 'start' or (how == 'cancelled' and failure == unstarted)
  if how ~= 'done' and (policy == 'cancel' or isUnstarted) then
    local now = keepTime(meta)
    redis.call('HDEL', delayedMessages, id)
    redis.call('ZREM', delayed, id)
    redis.call('ZREM', blocked, id)
    local message = 'it waited for job ' .. parent .. ', which is ' .. how
    addFailure(record, isUnstarted and unstarted or cjson.encode({name = 'ParentFailedError', message = message}))
    endJob(jobs, record, id, readJob(record, {}), 'cancelled', now, false)
    --@ history.add('cancel', id, '', '', isUnstarted and 'FlowNotStartedError' or 'ParentFailedError')
    redis.call('PEXPIRE', parents, 604800000)
    return 'cancelled'
  end
end
if left > 0 then return (known == '' or parent == '') and 'waiting' or 'known' end

-- Reads the results of up to 1,000 more parents. Returns the payload if these were the last ones.
local function buildPayload()
  local order, read, filled, parts = unpack(redis.call('HMGET', parents, 'order', 'read', 'filled', 'parts'))
  local from, filledTo, count = tonumber(read or 0) + 1, tonumber(filled or 0), tonumber(parts or 0)
  local names = {}
  while #names < 1000 and from <= #order do
    local stop = string.find(order, '\n', from, true) or #order + 1
    names[#names + 1] = 'r' .. string.sub(order, from, stop - 1)
    from = stop + 1
  end
  local results = redis.call('HMGET', parents, unpack(names))
  for at = 1, #results do results[at] = results[at] or 'null' end
  local isLast, text, at = from > #order, nil, filledTo
  if input == 'previous' then
    text = table.concat(results, ',')
  else
    for _ = 1, #results do at = string.find(input, '.', at + 1, true) end
    if isLast then at = #input end
    local place = 0
    text = string.gsub(string.sub(input, filledTo + 1, at), '%.', function() place = place + 1 return results[place] end)
  end
  if not isLast then
    redis.call('HSET', parents, 'part' .. count, text, 'parts', count + 1, 'read', from - 1, 'filled', at)
    return
  end
  local pieces = {}
  for part = 0, count - 1 do
    pieces[#pieces + 1] = redis.call('HGET', parents, 'part' .. part)
    redis.call('HDEL', parents, 'part' .. part)
  end
  pieces[#pieces + 1] = text
  if input ~= 'previous' then return table.concat(pieces) end
  return (count > 0 or #results > 1) and '[' .. table.concat(pieces, ',') .. ']' or text
end

local header, payload = string.match(entry, '^([^\n]*\n)(.*)$')
if input ~= 'own' then
  payload = buildPayload()
  if not payload then return 'more' end
  if redis.call('HEXISTS', record, 'payload') == 1 then redis.call('HSET', record, 'payload', payload) end
end
local now, ahead = keepTime(meta)
local at = due ~= '' and math.max(dueAt(due, now, ahead), now) or now
header = string.gsub(header, '^(.- x=)%+(%d+)', function(before, ttl) return before .. string.format('%.0f', at + ttl) end)
header = string.gsub(header, '^(.- d=)%d+', '%1' .. string.format('%.0f', at)) -- it is ready then
if at > now then
  redis.call('HSET', delayedMessages, id, header .. payload)
  redis.call('ZADD', delayed, at, id)
  redis.call('ZADD', jobs.delayed, at, id)
  --@ history.add('move', id, '', '', '', 'dueAt', string.format('%.0f', at))
else
  redis.call('RPUSH', lists[string.sub(header, 1, 1)], string.sub(header, 2) .. payload)
  redis.call('HDEL', delayedMessages, id)
  redis.call('ZREM', delayed, id)
  reopenJob(jobs, record, id, 'delayed', 'waiting', now)
  --@ history.add('promote', id, '', '', '')
  wakeWorker(lists)
end
redis.call('ZREM', blocked, id)
if policy == 'start' then
  redis.call('DEL', parents)
else
  redis.call('HSET', parents, 'left', -1)
  redis.call('PEXPIRE', parents, 2592000000)
end
return 'due'
