-- clear-jobs: waiting, delayed -> (gone), and their jobs are cancelled: a portion of a queue that has tracked messages
-- KEYS  1 request (string)  2 quarantine  3 requeued  4 inbox  5 high  6 base  7 low (lists)  8 delayed (zset)
--       9 delayed messages (hash)  10 meta (hash)  11..21 keys of all job records (_jobs.lua)  22.. the record of each message (hash)
-- ARGV  1 how long Redis keeps the request key, in ms  2.. for each message, as the caller has read it: its lane letter, 'inbox', or 'd'
--       if it is delayed; its id ('' if it has none)
-- Returns how many messages were dropped: those that are still where the caller found them
--
-- clear.lua would leave records of jobs that wait for ever. The records must be declared, so the caller reads the messages first. The
-- request key keeps the result: a repeated request must not drop messages that were put later under the same id.
local request = KEYS[1]
local answered = redis.call('GET', request)
if answered then return tonumber(answered) end
local lists, delayed, delayedMessages, jobs, dropped = waitingLists(2), KEYS[8], KEYS[9], jobKeys(11), 0
redis.call('HDEL', delayedMessages, '') -- Redis allows this when out of memory, and then all later writes
local now = keepTime(KEYS[10])

local function endRecord(record, id)
  local job = readJob(record, {})
  if not job.status or job.status == 'running' then return end
  if not hasEnded(job.status) then return endJob(jobs, record, id, job, 'cancelled', now, false) end
  local moves = {}
  letExpire(moves, record, id, job, job.status, now)
  storeMoves(jobs, moves)
end

local blocked = {}
for at = 2, #ARGV, 2 do
  local place, id, record = ARGV[at], ARGV[at + 1], KEYS[21 + at / 2]
  local isDropped = false
  if place == 'd' then
    isDropped = redis.call('HDEL', delayedMessages, id) == 1
    redis.call('ZREM', delayed, id)
  elseif not blocked[place] then
    local message = redis.call('LINDEX', lists[place], 0)
    isDropped = message and (parseHeader(message) or '') == id
    if isDropped then redis.call('LPOP', lists[place]) else blocked[place] = true end
  end
  if isDropped then
    dropped = dropped + 1
    --@ history.add('clear', id, '', '', '')
    if id ~= '' then endRecord(record, id) end
  end
end
redis.call('SET', request, dropped, 'PX', ARGV[1])
return dropped
