-- settle: active -> done, delayed, waiting (tail) or dead, with the record of its job, and with what must be put because of it
-- KEYS  1 claims of this worker (hash, _lib.lua)  2 workers (zset)  3 delayed (zset)  4 delayed messages (hash)
--       5 quarantine  6 requeued  7 inbox  8 high  9 base  10 low (lists)  11 meta (hash)  12 dead (zset)  13 dead messages (hash)
--       14..24 keys of all job records, among them the outbox (_jobs.lua)  25 blocked (zset)  26 claims of jobs (hash)
--       27 jobs to check (set)  28.. the record of each message (hash);
--       then for each message with the verb 'become' its parents, and for each with a child the parents and the record of that (hashes, see parent-ended)
-- ARGV  1 worker  2 most dead letters  3 most bytes of a result that is published with the end  4 how long a record is kept that must be
--       made anew, in ms, if its job is done  5 if it has failed  6 prefix and name of the queue, each with a space behind it  7 a msgpack array, for
--       each message: how many words follow, number of the take, index, id, '1' if it is tracked, when it was put, beginning, number and worker of
--       the attempt ('' if begin has noted them), its child (the id of the job that waits for it, if its header says so, or ''), the verb, and then
--         'done'   the result, '' if there is none; then for each message to put: its name in the outbox, its entry there
--         'retry'  lane letter, delay in ms, the message, the failure as JSON
--         'become' lane letter, the message, due time in Unix ms, the job that continues this one, after how many ms maintenance checks
--                  whether that one has ended; then as for 'done'
--         'bury'   record of the dead letter, the message, 'failed' or 'expired', the error as JSON or ''
-- Returns for each message 'done'; or, if its job has ended and the outbox has a notice for those that wait for it, their names as its record has
--         them, so beginning with '"'; 'ended' (its job was cancelled before; nothing else happened), 'already' or 'lost'
--
-- What happens to the message and what happens to its job is one step, so a result is stored if and only if the message is done. A
-- worker that has lost its lease has no claims hash, so it changes nothing. A child learns in the same step that its parent is done, if its id is
-- in the header of the parent, and the record of the parent has nothing more to look at. Otherwise there is a notice in the outbox.
local claims, workers, delayed, delayedMessages = unpack(KEYS, 1, 4)
local lists, meta, dead, deadMessages, jobs, blocked = waitingLists(5), KEYS[11], KEYS[12], KEYS[13], jobKeys(14), KEYS[25]
local jobClaims, jobsToCheck = KEYS[26], KEYS[27]
redis.call('HDEL', claims, '') -- Redis allows this when out of memory, and then all later writes
local now, ahead = keepTime(meta)
local nowText, reply, moves, left, ends, ended, isWaiting, areAdded, isBuried = timeText(now), {}, {}, {}, {}, {}, false, false, false
local children, childOf = {}, {} -- what happens to them: ids, and by id {parents, record, ends, places}

-- Writes the new status and other fields of a record.
local function change(record, id, job, status, score, ...)
  if job.run == '' then redis.call('HSET', record, 'status', status, ...) else redis.call('HSET', record, 'status', status, 'run', job.run, ...) end
  moveJob(moves, job.status, status, id, score)
end

local function endTracked(record, id, job, status, published, ...)
  change(record, id, job, status, nowText, 'endedAt', nowText, ...)
  local leaving = left[status] or {}
  left[status], leaving[#leaving + 1], leaving[#leaving + 2] = leaving, id, expireRecord(record, job, status, now)
  releaseUnique(jobs, id, job.unique)
  noteEnd(jobs, ends, record, id, job, status, published)
  areAdded = true
end

-- A verb gets the record and its job (readJob); both are absent for a message that is not tracked.
local verbs, mostPublished = {}, tonumber(ARGV[3])

function verbs.done(record, id, job, result, ...)
  if ... then redis.call('HSET', jobs.outbox, ...) end
  if not record then return end
  if result == '' then return endTracked(record, id, job, 'done', ' ') end
  endTracked(record, id, job, 'done', #result <= mostPublished and ' ' .. result or '', 'result', result)
end

-- The job waits for another one, whose result will be its own. It waits for nothing else any more. Noted in this step: a worker that dies
-- before it would leave a job that waits for a continuation which its next attempt may not choose again.
local parents -- of the message that is settled now, if its verb is this one
function verbs.become(record, id, job, lane, message, due, continuation, lookInMs, ...)
  local lookAt = serverNow() + lookInMs
  if ... then redis.call('HSET', jobs.outbox, ...) end
  redis.call('DEL', parents)
  redis.call('HSET', parents, 'policy', 'continue', 'input', 'own', 'due', '', '=' .. continuation, '', 'order', continuation, 'left', 1, 'since', lookAt)
  redis.call('ZADD', blocked, lookAt, id)
  redis.call('ZADD', delayed, due, storeUnder(meta, delayedMessages, id, lane .. message))
  if not record then return end
  change(record, id, job, 'delayed', due)
  if job.watched then redis.call('PUBLISH', record, 'delayed') end
end

function verbs.retry(record, id, job, lane, delay, message, failure)
  local isDelayed = tonumber(delay) > 0
  if isDelayed then
    redis.call('ZADD', delayed, now + delay, storeUnder(meta, delayedMessages, id, lane .. message))
  else
    redis.call('RPUSH', lists[lane], message)
    isWaiting = true
  end
  if not record then return end
  local status = isDelayed and 'retrying' or 'waiting'
  addFailure(record, failure)
  change(record, id, job, status, isDelayed and now + delay or now)
  if job.watched then redis.call('PUBLISH', record, status) end
end

function verbs.bury(record, id, job, letter, message, status, failure)
  storeDeadLetter(meta, dead, deadMessages, id, letter, message)
  isBuried = true
  if not record then return end
  if failure ~= '' then addFailure(record, failure) end
  endTracked(record, id, job, status, '')
end

local words, at, numbers, marks, starts = cmsgpack.unpack(ARGV[7]), 1, {}, {}, {}
--@ local function addSettled(start, id, verb)
--@   local attempt = history.attempt(claims, words[start + 1], tonumber(words[start + 2]))
--@   if verb == 'bury' then return history.bury(id, ARGV[1], words[start + 9]) end
--@   if verb == 'done' then return history.add('ack', id, ARGV[1], attempt, '') end
--@   if verb == 'become' then return history.add('continue', id, ARGV[1], attempt, '') end
--@   local _, name = history.failure(words[start + 11])
--@   history.add('retry', id, ARGV[1], attempt, name, 'delayMs', words[start + 10])
--@ end

while words[at] do
  local place = #starts + 1
  numbers[place], marks[place], starts[place] = words[at + 1], 'e' .. words[at + 1] .. '.' .. words[at + 2], at
  at = at + words[at] + 1
end
local settled, parsed, further, tracked, over = areSettled(claims, numbers, marks), {}, 27 + #starts, {}, {}

-- The job of a message that is settled now. Most records have no more than terms, and need no look at the other fields.
local mustCheck, quick = redis.call('EXISTS', jobsToCheck) == 1, {}
local function jobOf(record, id, putAt, run, child, verb)
  tracked[#tracked + 1] = id
  if verb == 'done' or verb == 'bury' then over[#over + 1] = id end
  local text = verb == 'done' and not mustCheck and redis.call('HGET', record, 'terms')
  local mark = text and string.byte(text)
  if mark and mark ~= 43 and (mark ~= 42 or child ~= '') then -- '+' and '*'
    quick[#quick + 1] = id
    return {run = run, terms = termsIn(text, parsed), child = mark == 42 and child or nil}
  end
  local job = readJob(record, parsed)
  if job.isAnew then -- its record was lost, as in a failover
    redis.call('HSET', record, 'status', job.status or 'running', 'put', putAt, 'terms', ARGV[4] .. ' ' .. ARGV[5])
    job = readJob(record, parsed)
    if verb == 'done' and child ~= '' then job.child = child end
  end
  job.run = run
  if hasEnded(job.status) and job.status ~= 'cancelled' then keepJob(jobs, record, id) end
  return job
end

-- The job of message `place` is done, and its child must learn it.
local function noteChild(place, parentsOfChild, record)
  local start = starts[place]
  local parent, id, result = words[start + 3], words[start + 7], words[start + 9]
  local child = childOf[id]
  if not child then
    child = {parents = parentsOfChild, record = record, ends = {}, places = {}}
    childOf[id], children[#children + 1] = child, id
  end
  local of, size = child.ends, #child.ends
  of[size + 1], of[size + 2], of[size + 3], of[size + 4] = ARGV[6] .. parent, 'done', result, ''
  child.places[#child.places + 1] = place
end

-- Children learn which of their parents are done. One with many results, or with keys that another program has changed, is left to the outbox.
local function notifyChildren()
  local flow = newFlow(delayed, delayedMessages, blocked, jobs, moves, now, ahead, not mustCheck)
  local entries = redis.call('HMGET', delayedMessages, unpack(children))
  local function notify(child, id, entry)
    return endParents(flow, id, entry, child.parents, child.record, child.ends)
  end
  for at, id in ipairs(children) do
    local child = childOf[id]
    local isFine, how = pcall(notify, child, id, entries[at])
    if not isFine or how == 'more' then
      local name = '"' .. ARGV[6] .. id .. '"'
      for _, place in ipairs(child.places) do
        noteInOutbox(jobs, words[starts[place] + 3], name)
        reply[place] = name
      end
    end
  end
  if storeStarted(flow, lists) then isWaiting = true end
end

for place, start in ipairs(starts) do
  local id, isTracked, putAt, run, child, verb = unpack(words, start + 3, start + 8)
  local record, job, parentsOfChild, recordOfChild = isTracked == '1' and KEYS[27 + place], nil, nil, nil
  if verb == 'become' then
    further = further + 1
    parents = KEYS[further]
  elseif child ~= '' then
    further = further + 2
    parentsOfChild, recordOfChild = KEYS[further - 1], KEYS[further]
  end
  if settled[place] then
    reply[place] = redis.call('ZSCORE', workers, ARGV[1]) and 'already' or 'lost'
  else
    if record then job = jobOf(record, id, putAt, run, child, verb) end
    if job and job.status == 'cancelled' then
      letExpire(moves, record, id, job, 'cancelled', now)
      over[#over + 1] = id
      areAdded = true
      reply[place] = 'ended'
    else
      verbs[verb](record, id, job, unpack(words, start + 9, start + words[start]))
      --@ addSettled(start, id, verb)
      if job and job.child then noteChild(place, parentsOfChild, recordOfChild) end
      reply[place] = job and verb ~= 'retry' and verb ~= 'become' and job.children or 'done'
    end
    ended[#ended + 1] = marks[place]
    ended[#ended + 1] = '1'
  end
end
if #children > 0 then notifyChildren() end
for status, leaving in pairs(left) do leaveTogether(jobs, moves, status, leaving, nowText) end
storeMoves(jobs, moves)
if #quick > 0 and redis.call('ZREM', jobs.waiting, unpack(quick)) < #quick then
  -- 'failed' and 'expired': those whose dead letters were revived.
  for _, status in ipairs({'running', 'delayed', 'retrying', 'failed', 'expired'}) do redis.call('ZREM', jobs[status], unpack(quick)) end
end
if #tracked > 0 then redis.call('HDEL', jobClaims, unpack(tracked)) end
if mustCheck and #over > 0 then redis.call('SREM', jobsToCheck, unpack(over)) end
publishEnds(ends)
if areAdded then trimJobs(jobs, now, #starts) end
if #ended > 0 then redis.call('HSET', claims, unpack(ended)) end
if isBuried then dropOldest(dead, deadMessages, math.min(redis.call('ZCARD', dead) - ARGV[2], 100)) end
if isWaiting then wakeWorker(lists) end
return reply
