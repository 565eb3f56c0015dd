-- begin: jobs whose messages are active -> running
-- KEYS  1 claims of this worker (hash, _lib.lua)  2 meta (hash)  3..12 keys of all job records (_jobs.lua)  13.. the record of
--       each message (hash)
-- ARGV  1 worker  2 number of the take  3 name of the worker, for people  4 how long a record is kept that must be made anew, in
--       ms, if its job is done  5 if it has failed  6.. for each message: index, id, number of the attempt, when it was put
-- Returns for each message: '' if its handler may begin, '=' and another message that replaces it, or 'ended' if it must not begin:
--         its job was cancelled, and the message is settled now; 'lost' if it is not claimed any more
--
-- A call may be repeated, and may be late: it changes nothing for a message that is settled or was recovered. A record that is gone,
-- as after a failover or with an old dead letter, is made anew.
local claims, jobs, worker, number = KEYS[1], jobKeys(3), ARGV[1], ARGV[2]
redis.call('HDEL', claims, '') -- Redis allows this when out of memory, and then all later writes
local now, reply = keepTime(KEYS[2]), {}
for at = 6, #ARGV, 4 do
  local index, id, attempt, putAt = unpack(ARGV, at, at + 3)
  local record = KEYS[13 + (at - 6) / 4]
  local place = #reply + 1
  local claim = worker .. '.' .. number .. '.' .. index
  local status, unique, untilStarted, replacement, held =
    unpack(redis.call('HMGET', record, 'status', 'unique', 'untilStarted', 'replacement', 'claim'))
  if isSettled(claims, number, index) then
    reply[place] = status == 'cancelled' and redis.call('HEXISTS', claims, 'a' .. number) == 1 and 'ended' or 'lost'
  elseif status == 'cancelled' then
    markSettled(claims, number, index)
    letJobExpire(jobs, record, id, now)
    reply[place] = 'ended'
  elseif status == 'expired' then
    reply[place] = '' -- the worker finds that out, and buries the message
  elseif status == 'running' and held == claim then
    reply[place] = replacement and '=' .. replacement or '' -- an earlier call arrived
  else
    if not status then redis.call('HSET', record, 'putAt', putAt, 'keep', ARGV[4], 'keepFailed', ARGV[5]) end
    keepJob(jobs, record, id)
    setJob(jobs, record, id, status, 'running', now, 'attempt', attempt, 'startedAt', now, 'claim', claim, 'worker', ARGV[3])
    if untilStarted then releaseUnique(jobs, id, unique) end
    redis.call('PUBLISH', record, 'running')
    reply[place] = replacement and '=' .. replacement or ''
  end
end
return reply
