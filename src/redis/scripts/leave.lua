-- leave: worker -> (gone); its active messages -> waiting (head), attempts not counted
-- KEYS  1 claims of this worker (hash, _lib.lua)  2 workers (zset)  3 quarantine  4 requeued  5 inbox  6 high  7 base  8 low (lists)
--       9 registry  10 meta  11 heartbeats  12 commands  13 registry of the earlier layouts (hashes)  14 left (zset)
--       15 metrics of all time  16 of this minute  17 of this hour (hashes)
-- ARGV  1 worker  2 its last heartbeat report  3 lease in ms  4 what it has counted since it joined; '' for nothing
-- Returns how many messages went back
--
-- All messages in the claims hash go back, also those of a take if its reply was lost. `left` keeps the worker for a lease: join
-- refuses it for so long, and refuses older requests by their age.
local claims, workers, lists = KEYS[1], KEYS[2], waitingLists(3)
redis.call('ZREM', workers, '') -- Redis allows this when out of memory, and then all later writes
emptyInbox(lists)

local released = 0
for _, take in ipairs(takesOf(claims)) do released = released + giveBack(take, lists) end
if redis.call('HEXISTS', KEYS[9], ARGV[1]) == 1 then addCounted(15, claims, ARGV[4]) end -- a call that comes again finds it gone
redis.call('DEL', claims)
unregister(9, workers, ARGV[1], ARGV[2])
local now = keepTime(KEYS[10])
redis.call('ZREMRANGEBYSCORE', KEYS[14], '-inf', now - ARGV[3])
redis.call('ZADD', KEYS[14], 'NX', now, ARGV[1])
redis.call('PEXPIRE', KEYS[14], ARGV[3])
wakeWorker(lists)
return released
