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

-- What ending a job needs: {status, unique, watched, children, terms = {keep, keepFailed, process}}. `parsed`: a table for all calls of a script.
-- The terms of most jobs are the same, so that they are parsed once.
local function readJob(record, parsed)
  local found = redis.call('HMGET', record, 'status', 'terms', 'unique', 'watched', 'children')
  local text = found[2] or ''
  local terms = parsed[text]
  if not terms then
    local keep, keepFailed, process = string.match(text, '^(%d+) (%d+) ?(.*)$')
    terms = {keep = keep or '600000', keepFailed = keepFailed or '600000', process = process or '', expiry = {}}
    parsed[text] = terms
  end
  return {status = found[1], unique = found[3], watched = found[4], children = found[5], terms = terms}
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

-- Stores what moveJob collected.
local function storeMoves(jobs, moves)
  for status, move in pairs(moves) do
    for first = 1, #move.out, 1000 do redis.call('ZREM', jobs[status], unpack(move.out, first, math.min(first + 999, #move.out))) end
    for first = 1, #move.into, 1000 do redis.call('ZADD', jobs[status], unpack(move.into, first, math.min(first + 999, #move.into))) end
  end
end

-- Lets other puts use the unique key of a job again.
local function releaseUnique(jobs, id, unique)
  if unique and redis.call('HGET', jobs.unique, unique) == id then redis.call('HDEL', jobs.unique, unique) end
end

-- Deletes ids of expired records from the indexes: twice as many as a script has ended jobs, so that none stay.
local function trimJobs(jobs, now, count)
  local ids = redis.call('ZRANGEBYSCORE', jobs.expiring, '-inf', now, 'LIMIT', 0, 2 * count + 10)
  if #ids == 0 then return end
  redis.call('ZREM', jobs.expiring, unpack(ids))
  for _, status in ipairs({'done', 'failed', 'cancelled', 'expired'}) do redis.call('ZREM', jobs[status], unpack(ids)) end
end

-- The record of a job that has ended with this status expires from now on; after ten minutes if it does not say when, as it was lost.
local function letExpire(moves, record, id, job, status, now)
  local terms = job.terms
  local forMs = (status == 'failed' or status == 'expired') and terms.keepFailed or terms.keep
  if job.children and tonumber(forMs) < 600000 then forMs = '600000' end -- until they are notified
  local at = terms.expiry[forMs]
  if not at then -- the same for most jobs of a script
    at = timeText(now + forMs)
    terms.expiry[forMs] = at
  end
  redis.call('PEXPIRE', record, forMs)
  moveJob(moves, false, 'expiring', id, at)
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

-- Publishes to those who watch a job that it has ended, and collects what the process that put it gets. `result`: text that is published behind
-- the status, '' for none. If other jobs wait for this one, stores in the outbox that they must be notified.
local function noteEnd(jobs, ends, record, id, job, status, result)
  if job.children then redis.call('HSET', jobs.outbox, 'end:' .. id, '{"ended":"' .. id .. '","children":[' .. job.children .. ']}') end
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
