-- bury: active -> dead; the oldest dead letters -> (gone) if there are too many
-- KEYS  1 claims of this worker (hash, _lib.lua)  2 workers (zset)  3 dead (zset)  4 dead messages  5 meta (hashes)
-- ARGV  1 worker  2 number of the take  3 index of the message  4 id  5 record (one line of JSON with the reason)  6 the message
--       7 most dead letters
-- Returns 1 if buried, 0 if settled before, -1 if the lease was lost
local claims, workers, dead, deadMessages, meta = unpack(KEYS)
redis.call('HDEL', claims, '') -- Redis allows this when out of memory, and then all later writes
if isSettled(claims, ARGV[2], ARGV[3]) then return redis.call('ZSCORE', workers, ARGV[1]) and 0 or -1 end

storeDeadLetter(meta, dead, deadMessages, ARGV[4], ARGV[5], ARGV[6])
markSettled(claims, ARGV[2], ARGV[3])
--@ history.bury(ARGV[4], ARGV[1], ARGV[5])

-- One call deletes at most 100 dead letters. If the limit was lowered, later calls delete the others.
dropOldest(dead, deadMessages, math.min(redis.call('ZCARD', dead) - ARGV[7], 100))
return 1
