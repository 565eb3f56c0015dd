-- note: running -> running with other progress, or one more line in its log
-- KEYS  1 claims of this worker (hash, _lib.lua)  2 record of the job (hash)
-- ARGV  1 worker  2 number of the take  3 index  4 number of this call for this message, from 1  5 'progress' or 'log'  6 the progress
--       as JSON, or the line
-- Returns 1 if noted, now or by an earlier call; 0 if the job was cancelled; -1 if the message is not claimed any more
local claims, record, worker, number, index = KEYS[1], KEYS[2], ARGV[1], ARGV[2], ARGV[3]
redis.call('HDEL', claims, '') -- Redis allows this when out of memory, and then all later writes
if isSettled(claims, number, index) then return -1 end
local status, noted, watched = unpack(redis.call('HMGET', record, 'status', 'noted', 'watched'))
if not status or hasEnded(status) then return 0 end
local claim = worker .. '.' .. number .. '.' .. index
local by, last = string.match(noted or '', '^(.*) (%d+)$')
if by == claim and tonumber(last) >= tonumber(ARGV[4]) then return 1 end
redis.call('HSET', record, 'noted', claim .. ' ' .. ARGV[4])
if ARGV[5] == 'progress' then
  redis.call('HSET', record, 'progress', ARGV[6])
  if watched then redis.call('PUBLISH', record, 'progress ' .. ARGV[6]) end
else
  local count = redis.call('HINCRBY', record, 'lines', 1)
  redis.call('HSET', record, 'line:' .. (count - 1) % 100, ARGV[6])
  if watched then redis.call('PUBLISH', record, 'log ' .. count .. '\n' .. ARGV[6]) end
end
return 1
