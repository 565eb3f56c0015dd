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

-- Gives a record another status and more fields, and tells those who watch. `before` is its status, or false.
local function setJob(jobs, record, id, before, status, now, ...)
  if before and before ~= status then redis.call('ZREM', jobs[before], id) end
  redis.call('HSET', record, 'status', status, ...)
  redis.call('ZADD', jobs[status], now, id)
end

-- Lets other puts use the unique key of a job again.
local function releaseUnique(jobs, id, unique)
  if unique and redis.call('HGET', jobs.unique, unique) == id then redis.call('HDEL', jobs.unique, unique) end
end

-- Deletes a few ids of expired records from the indexes.
local function trimJobs(jobs, now)
  local ids = redis.call('ZRANGEBYSCORE', jobs.expiring, '-inf', now, 'LIMIT', 0, 3)
  if #ids == 0 then return end
  redis.call('ZREM', jobs.expiring, unpack(ids))
  for _, status in ipairs({'done', 'failed', 'cancelled', 'expired'}) do redis.call('ZREM', jobs[status], unpack(ids)) end
end

-- The record of an ended job expires from now on.
local function letJobExpire(jobs, record, id, now)
  local status, keep, keepFailed = unpack(redis.call('HMGET', record, 'status', 'keep', 'keepFailed'))
  local forMs = (status == 'failed' or status == 'expired') and keepFailed or keep
  if not forMs then return end
  redis.call('PEXPIRE', record, forMs)
  redis.call('ZADD', jobs.expiring, now + forMs, id)
  trimJobs(jobs, now)
end

-- The record does not expire, as the job may run again.
local function keepJob(jobs, record, id)
  if redis.call('PERSIST', record) == 1 then redis.call('ZREM', jobs.expiring, id) end
end

-- Ends a job: it lets its unique key go, and tells those who wait. `news` is what they are told: the status, or more.
-- The caller lets the record expire once the message is stored nowhere: until then a worker may take it, and must see its end.
local function endJob(jobs, record, id, before, status, now, unique, news, ...)
  setJob(jobs, record, id, before, status, now, 'endedAt', now, ...)
  releaseUnique(jobs, id, unique)
  redis.call('PUBLISH', record, news)
end

-- Adds a failure to a record: the last 20 are kept.
local function addFailure(record, failure)
  local count = redis.call('HINCRBY', record, 'failures', 1)
  redis.call('HSET', record, 'failure:' .. (count - 1) % 20, failure)
end
