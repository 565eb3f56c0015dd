-- revive-jobs: jobs that failed or expired, and whose dead letters were revived -> waiting
-- KEYS  1 dead messages (hash)  2 meta (hash)  3..13 keys of all job records (_jobs.lua)  14.. the record of each job (hash)
-- ARGV  1.. their ids
-- Returns how many records were changed
--
-- A job with a unique key has it again, unless another job has it. A call may be repeated, and may be late: then the job runs, or has ended again and its message is a dead letter again.
local deadMessages, jobs, count = KEYS[1], jobKeys(3), 0
redis.call('HDEL', deadMessages, '') -- Redis allows this when out of memory, and then all later writes
local now = keepTime(KEYS[2])
for at, id in ipairs(ARGV) do
  local record = KEYS[13 + at]
  local status, unique = unpack(redis.call('HMGET', record, 'status', 'unique'))
  if (status == 'failed' or status == 'expired') and redis.call('HEXISTS', deadMessages, id) == 0 then
    keepJob(jobs, record, id)
    redis.call('HDEL', record, 'expiresAt', 'endedAt')
    if unique then redis.call('HSETNX', jobs.unique, unique, id) end
    reopenJob(jobs, record, id, status, 'waiting', now)
    count = count + 1
  end
end
return count
