-- Job records: what several scripts do with them in the same way. A message with the header field j=1 is tracked, and has a record:
-- the hash job:<id>. docs/protocol.md lists its fields. Each status has an index: a sorted set of ids, scored by when the status
-- began. A record that has ended expires; then the ids in `expiring` and in the indexes are deleted by later scripts.

-- The keys that all records of a queue share. KEYS from `first` on, as Keys.jobIndexes lists them.
local function jobKeys(first)
  local waiting, delayed, running, retrying, done, failed, cancelled, expired, expiring, unique, outbox = unpack(KEYS, first, first + 10)
  return {
    waiting = waiting, delayed = delayed, running = running, retrying = retrying, done = done, failed = failed,
    cancelled = cancelled, expired = expired, expiring = expiring, unique = unique, outbox = outbox,
  }
end

-- Whether a job with this status cannot run again.
local function hasEnded(status)
  return status == 'done' or status == 'failed' or status == 'cancelled' or status == 'expired'
end

-- The id of a message that is tracked, and the number of its next attempt; nothing for others.
local function trackedId(message)
  local id = string.match(message, '^#([%w_.:~@-]+) 0 0 j=1\n') -- most messages
  if id then return id, 1 end
  if string.byte(message) ~= 35 then return end
  local parsed, attempts, _, fields = parseHeader(message)
  if parsed and string.find(fields .. ' ', ' j=1 ', 1, true) then return parsed, attempts + 1 end
end

-- A time as text: Redis is slow at formatting numbers that it gets from Lua.
local function timeText(time)
  return string.format('%.0f', time)
end

-- Whether each of these messages is settled, or its take is over. `numbers` are those of their takes, `marks` their fields e<n>.<i>.
local function areSettled(claims, numbers, marks)
  local isOver, settled = {}, {}
  for first = 1, #marks, 2000 do
    local found = redis.call('HMGET', claims, unpack(marks, first, math.min(first + 1999, #marks)))
    for at = 1, #found do
      local number = numbers[first + at - 1]
      if isOver[number] == nil then isOver[number] = redis.call('HEXISTS', claims, 'a' .. number) == 0 end
      settled[#settled + 1] = isOver[number] or found[at] ~= false
    end
  end
  return settled
end

-- The terms of a record: {keep, keepFailed, process}. `parsed`: a table for all calls of a script, as most jobs have the same. They begin with
-- '+' if the record has more than most, and with '*' if it has one child and
-- nothing more, and the header of the message has the id of that child.
local function termsIn(text, parsed)
  local terms = parsed[text]
  if not terms then
    local keep, keepFailed, process = string.match(text, '^[+*]?(%d+) (%d+) ?(.*)$')
    terms = {keep = keep or '600000', keepFailed = keepFailed or '600000', process = process or '', expiry = {}}
    parsed[text] = terms
  end
  return terms
end

-- What ending a job needs: {status, unique, watched, children, terms, isAnew}. `isAnew`: the record is gone, or was made anew and has no terms yet.
local function readJob(record, parsed)
  local found = redis.call('HMGET', record, 'status', 'terms', 'unique', 'watched', 'children')
  return {status = found[1], unique = found[3], watched = found[4], children = found[5], terms = termsIn(found[2] or '', parsed), isAnew = not found[2]}
end

-- Changes of indexes are collected, and stored in a few calls: moves[status] = {out = {id, ..}, into = {score, id, ..}}
local function moveJob(moves, before, status, id, score)
  if before and before ~= status then
    if not moves[before] then moves[before] = {out = {}, into = {}} end
    local out = moves[before].out
    out[#out + 1] = id
  end
  if not moves[status] then moves[status] = {out = {}, into = {}} end
  local into = moves[status].into
  local size = #into
  into[size + 1] = score
  into[size + 2] = id
end

-- In each index, and in no answer. Redis keeps a sorted set with a member of this length as a skip list. Otherwise, up to 128 members are a list
-- that each insertion searches.
local function longMember()
  return string.rep('.', 65)
end

-- Stores what moveJob collected.
local function storeMoves(jobs, moves)
  for status, move in pairs(moves) do
    if #move.into > 0 then redis.call('ZADD', jobs[status], '-inf', longMember()) end
    for first = 1, #move.out, 1000 do redis.call('ZREM', jobs[status], unpack(move.out, first, math.min(first + 999, #move.out))) end
    for first = 1, #move.into, 1000 do redis.call('ZADD', jobs[status], unpack(move.into, first, math.min(first + 999, #move.into))) end
  end
end

-- The jobs of the tracked messages among those taken are running: notes the claim of each, and when it was taken, the number of its attempt and the
-- name of the worker, as its record has them in `run`. `taken` has the messages from its second entry on; `beginning`: of their claims.
local function claimJobs(jobClaims, taken, beginning, now, name)
  local entries, size, first = {}, 0, ' ' .. timeText(now) .. ' 1 ' .. name
  for place = 2, #taken do
    local id, attempt = trackedId(taken[place])
    if id then
      entries[size + 1] = id
      entries[size + 2] = beginning .. place - 1 .. (attempt == 1 and first or ' ' .. timeText(now) .. ' ' .. attempt .. ' ' .. name)
      size = size + 2
    end
  end
  for from = 1, size, 1000 do redis.call('HSET', jobClaims, unpack(entries, from, math.min(from + 999, size))) end
end

-- Lets other puts use the unique key of a job again.
local function releaseUnique(jobs, id, unique)
  if unique and redis.call('HGET', jobs.unique, unique) == id then redis.call('HDEL', jobs.unique, unique) end
end

-- Deletes ids of expired records from the indexes: twice as many as a script has ended jobs, so that none stay, and not many more, so that Redis is
-- not busy for long. An entry is the id of a job, or '<status> <time>' for all jobs that ended at this time and have no entry of their own.
local function trimJobs(jobs, now, count)
  local entries = redis.call('ZRANGEBYSCORE', jobs.expiring, '(-inf', now, 'LIMIT', 0, 2 * count + 10)
  if #entries == 0 then return end
  local ids, handled = {}, {}
  for _, entry in ipairs(entries) do
    if #ids >= 2 * count + 10 then break end
    handled[#handled + 1] = entry
    local status, endedAt = string.match(entry, '^(%l+) (%d+)$')
    if not status then ids[#ids + 1] = entry end
    for _, id in ipairs(status and redis.call('ZRANGEBYSCORE', jobs[status], endedAt, endedAt) or {}) do
      if not redis.call('ZSCORE', jobs.expiring, id) then ids[#ids + 1] = id end
    end
  end
  redis.call('ZREM', jobs.expiring, unpack(handled))
  for first = 1, #ids, 1000 do
    for _, status in ipairs({'done', 'failed', 'cancelled', 'expired'}) do
      redis.call('ZREM', jobs[status], unpack(ids, first, math.min(first + 999, #ids)))
    end
  end
end

-- The record of a job that has ended with this status expires from now on; after ten minutes if it does not say when, as it was lost. Returns when.
local function expireRecord(record, job, status, now)
  local terms = job.terms
  local forMs = (status == 'failed' or status == 'expired') and terms.keepFailed or terms.keep
  if (job.children or job.child) and tonumber(forMs) < 600000 then forMs = '600000' end -- until they are notified
  local at = terms.expiry[forMs]
  if not at then -- the same for most jobs of a script
    at = timeText(now + forMs)
    terms.expiry[forMs] = at
  end
  redis.call('PEXPIRE', record, forMs)
  return at
end

-- As expireRecord, and collects that its id leaves the index then.
local function letExpire(moves, record, id, job, status, now)
  moveJob(moves, false, 'expiring', id, expireRecord(record, job, status, now))
end

-- Notes that jobs which have ended now leave the index of their status: one entry for all of them if they leave it together. `leaving`: ids, each
-- followed by when it leaves.
local function leaveTogether(jobs, moves, status, leaving, nowText)
  local at, entry = leaving[2], status .. ' ' .. nowText
  local isSame = #leaving > 2
  for place = 4, #leaving, 2 do isSame = isSame and leaving[place] == at end
  if isSame and (redis.call('ZADD', jobs.expiring, 'NX', at, entry) == 1 or redis.call('ZSCORE', jobs.expiring, entry) == at) then return end
  for place = 1, #leaving, 2 do moveJob(moves, false, 'expiring', leaving[place], leaving[place + 1]) end
end

-- The record does not expire, as the job may run again.
local function keepJob(jobs, record, id)
  if redis.call('PERSIST', record) == 1 then redis.call('ZREM', jobs.expiring, id) end
end

-- Adds a failure to a record: the last 20 are kept.
local function addFailure(record, failure)
  local count = redis.call('HINCRBY', record, 'failures', 1)
  redis.call('HSET', record, 'failure:' .. (count - 1) % 20, failure)
end

-- Stores in the outbox that the jobs which wait for this one must be notified. `children`: as its record has them.
local function noteInOutbox(jobs, id, children)
  redis.call('HSET', jobs.outbox, 'end:' .. id, '{"ended":"' .. id .. '","children":[' .. children .. ']}')
end

-- Publishes to those who watch a job that it has ended, and collects what the process that put it gets. `result`: text that is published behind
-- the status, '' for none. If other jobs wait for this one, stores in the outbox that they must be notified.
local function noteEnd(jobs, ends, record, id, job, status, result)
  if job.children then noteInOutbox(jobs, id, job.children) end
  if job.watched then redis.call('PUBLISH', record, status .. result) end
  local terms = job.terms
  if terms.process == '' then return end
  if not terms.channel then terms.channel = string.sub(record, 1, -#id - 5) .. 'ends:' .. terms.process end
  local parts = ends[terms.channel]
  if not parts then
    parts = {}
    ends[terms.channel] = parts
  end
  local size = #parts
  parts[size + 1], parts[size + 2], parts[size + 3], parts[size + 4], parts[size + 5] = size == 0 and '' or '\n', id, ' ', status, result
end

-- Publishes what noteEnd collected: one message for each process, with a line for each job.
local function publishEnds(ends)
  for channel, parts in pairs(ends) do redis.call('PUBLISH', channel, table.concat(parts)) end
end

-- Ends one job whose message stays in its list, or is among the dead letters: the record does not expire if `isStored`, as a
-- worker may take the message and must see its end.
local function endJob(jobs, record, id, job, status, now, isStored)
  local moves, ends = {}, {}
  redis.call('HSET', record, 'status', status, 'endedAt', now)
  moveJob(moves, job.status, status, id, now)
  if not isStored then letExpire(moves, record, id, job, status, now) end
  storeMoves(jobs, moves)
  releaseUnique(jobs, id, job.unique)
  trimJobs(jobs, now, 1)
  noteEnd(jobs, ends, record, id, job, status, '')
  publishEnds(ends)
end

-- Gives one job a status in which it has not ended.
local function reopenJob(jobs, record, id, before, status, now)
  local moves = {}
  redis.call('HSET', record, 'status', status)
  moveJob(moves, before, status, id, now)
  storeMoves(jobs, moves)
  redis.call('PUBLISH', record, status)
end
