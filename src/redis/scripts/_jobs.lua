-- Job records: what several scripts do with them in the same way. A message with the header field j=1 is tracked, and has a record:
-- the hash job:<id>. docs/protocol.md lists its fields. Each status has an index: a sorted set of ids, scored by when the status
-- began. A record that has ended expires; then the ids in `expiring` and in the indexes are deleted by later scripts.

-- The keys that all records of a queue share. KEYS from `first` on, as Keys.jobIndexes lists them.
local function jobKeys(first)
  local waiting, delayed, running, retrying, done, failed, cancelled, expired, expiring, unique = unpack(KEYS, first, first + 9)
  return {
    waiting = waiting, delayed = delayed, running = running, retrying = retrying, done = done, failed = failed,
    cancelled = cancelled, expired = expired, expiring = expiring, unique = unique,
  }
end

-- Whether a job with this status cannot run again.
local function hasEnded(status)
  return status == 'done' or status == 'failed' or status == 'cancelled' or status == 'expired'
end

-- Whether each of these messages is settled, or its take is over. `places`: number of the take, index, number, ..
local function areSettled(claims, places)
  local fields, settled = {}, {}
  for at = 1, #places, 2 do
    fields[at] = 'a' .. places[at]
    fields[at + 1] = 'e' .. places[at] .. '.' .. places[at + 1]
  end
  for first = 1, #fields, 2000 do
    local found = redis.call('HMGET', claims, unpack(fields, first, math.min(first + 1999, #fields)))
    for at = 1, #found, 2 do settled[#settled + 1] = not found[at] or found[at + 1] ~= false end
  end
  return settled
end

-- Changes of indexes are collected, and stored in a few calls: moves[status] = {out = {id, ..}, into = {score, id, ..}}
local function moveJob(moves, before, status, id, score)
  if before and before ~= status then
    moves[before] = moves[before] or {out = {}, into = {}}
    table.insert(moves[before].out, id)
  end
  moves[status] = moves[status] or {out = {}, into = {}}
  table.insert(moves[status].into, score)
  table.insert(moves[status].into, id)
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

-- The record of an ended job expires from now on. `job`: {status, keep, keepFailed}
local function letExpire(moves, record, id, now, status, keep, keepFailed)
  local forMs = (status == 'failed' or status == 'expired') and keepFailed or keep
  if not forMs then return end
  redis.call('PEXPIRE', record, forMs)
  moveJob(moves, false, 'expiring', id, now + forMs)
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

-- Tells the process that put a job that it has ended, and those who watch it. `news`: the status, or 'done', a line break and the
-- result. `teller`: the channel of the process that put it.
local function tellEnd(record, id, teller, watched, news)
  if teller then redis.call('PUBLISH', teller, id .. ' ' .. news) end
  if watched then redis.call('PUBLISH', record, news) end
end

-- Ends one job whose message stays in its list, or is among the dead letters: the record does not expire if `isStored`, as a
-- worker may take the message and must see its end. `job`: {status, unique, keep, keepFailed, teller, watched}
local function endJob(jobs, record, id, job, status, now, isStored)
  local before, unique, keep, keepFailed, teller, watched = unpack(job, 1, 6)
  local moves = {}
  redis.call('HSET', record, 'status', status, 'endedAt', now)
  moveJob(moves, before, status, id, now)
  if not isStored then letExpire(moves, record, id, now, status, keep, keepFailed) end
  storeMoves(jobs, moves)
  releaseUnique(jobs, id, unique)
  trimJobs(jobs, now, 1)
  tellEnd(record, id, teller, watched, status)
end

-- Gives one job a status in which it has not ended.
local function reopenJob(jobs, record, id, before, status, now)
  local moves = {}
  redis.call('HSET', record, 'status', status)
  moveJob(moves, before, status, id, now)
  storeMoves(jobs, moves)
  redis.call('PUBLISH', record, status)
end
