-- mend-job: a record -> the status that its message shows
-- KEYS  1 record of the job (hash)  2 claims of the worker that has it (hash)  3 delayed (zset)  4 dead messages (hash)
--       5 meta (hash)  6..16 keys of all job records (_jobs.lua)  17 dead (zset)  18 claims of jobs (hash)  19 jobs to check (set)
-- ARGV  1 id  2 its claim, as the caller has read it; '' for none  3 when it was put, if its record is gone
-- Returns the status; '' if there is no record, and no worker has taken the message
--
-- take-tracked notes the claim of a job and writes no record, so a job that is claimed is running. Scripts that give back the messages of a
-- dead or leaving worker change neither. So a running job whose claim is over is waiting, and so is a delayed one that is not delayed any
-- more; if the message is a dead letter, the job has failed. The record of a running job may be gone, as after a failover: it is made anew, and what
-- is missing in it comes with begin or settle. A waiting job whose time to live has passed has expired: its message is still in
-- a list, and the next worker buries it. A dead letter that is older than the job is of an earlier job with the same id, which a caller
-- chose. (The time in a record that was made anew is of another clock.)
local record, claims, delayed, deadMessages, jobs = KEYS[1], KEYS[2], KEYS[3], KEYS[4], jobKeys(6)
local job = readJob(record, {})
local status, expiresAt, put = job.status, unpack(redis.call('HMGET', record, 'expiresAt', 'put'))
redis.call('HDEL', record, '') -- Redis allows this when out of memory, and then all later writes
local now, ahead = keepTime(KEYS[5])

local claim, run = string.match(redis.call('HGET', KEYS[18], ARGV[1]) or '', '^(%S+) (.*)$')
if claim and claim == ARGV[2] and isSettled(claims, string.match(claim, '%.(%d+)%.(%d+)$')) then
  redis.call('HDEL', KEYS[18], ARGV[1])
  claim = nil
end

-- Its dead letter, which may be large; nothing if its message is none.
local function deadLetter()
  local letter = redis.call('HGET', deadMessages, ARGV[1])
  local buriedAt = letter and tonumber(redis.call('ZSCORE', KEYS[17], ARGV[1]) or 'inf')
  return letter and buriedAt >= tonumber(string.match(put or '', '^(%d+) ') or 0) - ahead and letter
end

if hasEnded(status) then
  local expires = redis.call('PTTL', record) >= 0
  if not expires and deadLetter() then -- the record was kept for the next worker of its message, and there will be none
    local moves = {}
    letExpire(moves, record, ARGV[1], job, status, now)
    storeMoves(jobs, moves)
    expires = true
  end
  if expires then redis.call('SREM', KEYS[19], ARGV[1]) end -- it cannot run
  return status
end
if not status and not claim then
  redis.call('SREM', KEYS[19], ARGV[1])
  return ''
end
if claim then
  if not status then redis.call('HSET', record, 'put', ARGV[3]) end
  if status ~= 'running' then
    local moves = {}
    redis.call('HSET', record, 'status', 'running', 'run', run)
    moveJob(moves, status or 'waiting', 'running', ARGV[1], now)
    storeMoves(jobs, moves)
    if job.watched then redis.call('PUBLISH', record, 'running') end
  end
  return 'running'
end

local letter = deadLetter()
if letter then
  local isRead, read = pcall(cjson.decode, string.match(letter, '^[^\n]*'))
  local reason = isRead and type(read) == 'table' and read.reason or 'buried'
  addFailure(record, cjson.encode({name = 'Error', message = tostring(reason)}))
  endJob(jobs, record, ARGV[1], job, 'failed', now, false)
  return 'failed'
end
local isDelayed = (status == 'delayed' or status == 'retrying') and redis.call('ZSCORE', delayed, ARGV[1])
if status ~= 'waiting' and not isDelayed then
  reopenJob(jobs, record, ARGV[1], status, 'waiting', now)
  job.status, status = 'waiting', 'waiting'
elseif isDelayed then
  redis.call('ZADD', jobs[status], isDelayed, ARGV[1]) -- it may have been moved
end
if status == 'waiting' and expiresAt and tonumber(expiresAt) <= now then
  endJob(jobs, record, ARGV[1], job, 'expired', now, true)
  redis.call('SADD', KEYS[19], ARGV[1])
  return 'expired'
end
return status
