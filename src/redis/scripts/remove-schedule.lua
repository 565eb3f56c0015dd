-- remove-schedule: a schedule -> (gone), with its list of runs. Messages that it has put stay
-- KEYS  1 schedules (zset)  2 this schedule (hash)  3 its runs (list)  4 answer to this request (string)
-- ARGV  1 name  2 how long the answer is kept, ms
-- Returns 1 if there was one, 0 if not; a repeated request gets the same answer
local answer = redis.call('GET', KEYS[4])
if answer then return tonumber(answer) end
local removed = redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('DEL', KEYS[2], KEYS[3])
redis.call('SET', KEYS[4], removed, 'PX', ARGV[2])
return removed
