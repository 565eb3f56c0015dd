-- begin: records of jobs whose messages are active -> running
-- KEYS  1 claims of this worker (hash, _lib.lua)  2 meta (hash)  3..13 keys of all job records (_jobs.lua)  14 claims of jobs
--       (hash)  15 jobs to check (set)  16.. the record of each message (hash)
-- ARGV  1 worker  2 number of the take  3 name of the worker, for people  4 how long a record is kept that must be made anew, in
--       ms, if its job is done  5 if it has failed  6 '1' if the handlers have begun
--       7 a msgpack array, for each message: index, id, number of the attempt, when it was put, when the attempt began
-- Returns for each message: '' if its handler may begin, '=' and another payload that replaces its own, or 'ended' if it must not
--         begin: its job was cancelled, and the message is settled now (not if its handler has begun); 'expired' if the caller must bury it;
--         'lost' if it is not claimed any more
--
-- A call may be repeated, and may be late: it changes nothing for a message that is settled or was recovered. A record that is gone,
-- as after a failover or with an old dead letter, is made anew.
local claims, jobs, jobClaims, jobsToCheck, worker, number = KEYS[1], jobKeys(3), KEYS[14], KEYS[15], ARGV[1], ARGV[2]
redis.call('HDEL', claims, '') -- Redis allows this when out of memory, and then all later writes
local now, reply, moves, numbers, marks, ended = keepTime(KEYS[2]), {}, {}, {}, {}, {}
local nowText, words = timeText(now), cmsgpack.unpack(ARGV[7])
for at = 1, #words, 5 do
  numbers[#numbers + 1] = number
  marks[#marks + 1] = 'e' .. number .. '.' .. words[at]
end
local settled = areSettled(claims, numbers, marks)
for place = 1, #settled do
  local index, id, attempt, putAt, begunAt = unpack(words, 5 * place - 4, 5 * place)
  local record, claim = KEYS[15 + place], worker .. '.' .. number .. '.' .. index
  local status, replacement, untilStarted, watched, terms = unpack(redis.call(
    'HMGET', record, 'status', 'replacement', 'untilStarted', 'watched', 'terms'))
  if settled[place] then
    reply[place] = status == 'cancelled' and redis.call('HEXISTS', claims, 'a' .. number) == 1 and 'ended' or 'lost'
  elseif status == 'cancelled' then
    reply[place] = 'ended'
    if ARGV[6] ~= '1' then
      ended[#ended + 1] = marks[place]
      ended[#ended + 1] = '1'
      letExpire(moves, record, id, readJob(record, {}), status, now)
      redis.call('HDEL', jobClaims, id)
      redis.call('SREM', jobsToCheck, id)
    end
  elseif status == 'expired' then
    reply[place] = 'expired' -- callers have seen this status, also if the message was taken just in time
  else
    reply[place] = replacement and '=' .. replacement or ''
    if not terms then redis.call('HSET', record, 'put', putAt, 'terms', ARGV[4] .. ' ' .. ARGV[5]) end
    if hasEnded(status) then keepJob(jobs, record, id) end
    local run = begunAt .. ' ' .. attempt .. ' ' .. ARGV[3]
    redis.call('HSET', record, 'status', 'running', 'run', run)
    redis.call('HSET', jobClaims, id, claim .. ' ' .. run)
    if untilStarted then releaseUnique(jobs, id, redis.call('HGET', record, 'unique')) end
    if status ~= 'running' then
      moveJob(moves, status, 'running', id, nowText)
      if watched then redis.call('PUBLISH', record, 'running') end
    end
  end
end
storeMoves(jobs, moves)
if #ended > 0 then redis.call('HSET', claims, unpack(ended)) end
return reply
