-- cancel-job: a job that has not ended -> cancelled
-- KEYS  1 record of the job (hash)  2 delayed (zset)  3 delayed messages (hash)  4 meta (hash)  5 request (string)  6..16 keys of all job
--       records (_jobs.lua)  17 claims of jobs (hash)  18 jobs to check (set)
-- ARGV  1 id  2 channel of the workers  3 how long Redis keeps the request key, in ms
-- Returns the status that it had: '' if there is no record, 'cancelled' if it was cancelled already
--
-- A delayed message is deleted. A waiting one stays in its list, where it cannot be found quickly: the job is among those to check, so its
-- worker settles it without running it. The worker of a running one is notified. Until then the record does not expire. The request key
-- keeps the result: a late repeated request must not cancel a job that was revived meanwhile.
local record, delayed, delayedMessages, request, jobs = KEYS[1], KEYS[2], KEYS[3], KEYS[5], jobKeys(6)
local answered = redis.call('GET', request)
if answered then return answered end
redis.call('HDEL', delayedMessages, '') -- Redis allows this when out of memory, and then all later writes
local now = keepTime(KEYS[4])
local job = readJob(record, {})
local status = job.status
if status and not hasEnded(status) and redis.call('HEXISTS', KEYS[17], ARGV[1]) == 1 then status = 'running' end
redis.call('SET', request, status or '', 'PX', ARGV[3])
if not status or hasEnded(status) then return status or '' end
local isDeleted = (status == 'delayed' or status == 'retrying') and redis.call('HDEL', delayedMessages, ARGV[1]) == 1
if isDeleted then redis.call('ZREM', delayed, ARGV[1]) else redis.call('SADD', KEYS[18], ARGV[1]) end
endJob(jobs, record, ARGV[1], job, 'cancelled', now, not isDeleted)
--@ history.add('cancel', ARGV[1], '', '', '')
if status == 'running' then redis.call('PUBLISH', ARGV[2], ARGV[1]) end
return status
