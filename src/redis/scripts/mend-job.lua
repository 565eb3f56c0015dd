-- mend-job: a record -> the status that its message shows
-- KEYS  1 record of the job (hash)  2 claims of the worker that the record names (hash)  3 delayed (zset)  4 dead messages (hash)
--       5 meta (hash)  6..16 keys of all job records (_jobs.lua)  17 dead (zset)
-- ARGV  1 id  2 the claim that the record names, '' if none
-- Returns the status; '' if there is no record
--
-- Scripts that give back the messages of a dead or leaving worker change no record. So a running job without a claim is waiting, and
-- so is a delayed one that is not delayed any more; if the message is a dead letter, the job has failed. A waiting job whose time to
-- live has passed has expired: its message is still in a list, and the next worker buries it. A dead letter that is older than the job is of
-- an earlier job with the same id, which a caller chose. (The time in a record that was made anew is of another clock.)
local record, claims, delayed, deadMessages, jobs = KEYS[1], KEYS[2], KEYS[3], KEYS[4], jobKeys(6)
local job = readJob(record, {})
local status, claim, expiresAt, put = job.status, unpack(redis.call('HMGET', record, 'claim', 'expiresAt', 'put'))
if not status then return '' end
redis.call('HDEL', record, '') -- Redis allows this when out of memory, and then all later writes
local now, ahead = keepTime(KEYS[5])
local function isClaimed()
  local number, index = string.match(claim, '%.(%d+)%.(%d+)$')
  return not isSettled(claims, number, index)
end
if hasEnded(status) or (status == 'running' and (claim ~= ARGV[2] or isClaimed())) then return status end

local letter = redis.call('HGET', deadMessages, ARGV[1])
local buriedAt = letter and tonumber(redis.call('ZSCORE', KEYS[17], ARGV[1]) or 'inf')
if letter and buriedAt >= tonumber(string.match(put or '', '^(%d+) ') or 0) - ahead then
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
  return 'expired'
end
return status
