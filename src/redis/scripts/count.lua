-- count: reads the number of messages in each state, at one moment
-- KEYS  1 workers (zset)  2 delayed  3 dead (zsets)  4 quarantine  5 requeued  6 inbox  7 high  8 base  9 low (lists)
--       10.. claims of each worker in ARGV (hashes, _lib.lua)
-- ARGV  the workers that the caller knows
-- Returns {waiting, delayed, dead, active, worker, ..}, with all registered workers at the end. If these are not the workers
--         in ARGV, active is -1, and the caller must call again with them
local registered = redis.call('ZRANGE', KEYS[1], 0, -1)
local active = activeCount(registered, 9)
local waiting = waitingCount(waitingLists(4))
return {waiting, redis.call('ZCARD', KEYS[2]), redis.call('ZCARD', KEYS[3]), active, unpack(registered)}
