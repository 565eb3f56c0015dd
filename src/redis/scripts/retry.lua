-- retry: active -> delayed, or -> waiting (tail) if the delay is 0
-- KEYS  1 claims of this worker (hash, _lib.lua)  2 workers (zset)  3 delayed (zset)  4 delayed messages (hash)
--       5 quarantine  6 requeued  7 inbox  8 high  9 base  10 low (lists)  11 meta (hash)
-- ARGV  1 worker  2 number of the take  3 index of the message  4 lane letter  5 delay in ms  6 id  7 the message
-- Returns 1 if retried, 0 if settled before, -1 if the lease was lost
local claims, workers, delayed, delayedMessages = unpack(KEYS, 1, 4)
redis.call('HDEL', claims, '') -- Redis allows this when out of memory, and then all later writes
if isSettled(claims, ARGV[2], ARGV[3]) then return redis.call('ZSCORE', workers, ARGV[1]) and 0 or -1 end

if tonumber(ARGV[5]) == 0 then
  local lists = waitingLists(5)
  redis.call('RPUSH', lists[ARGV[4]], ARGV[7])
  wakeWorker(lists)
else
  redis.call('ZADD', delayed, keepTime(KEYS[11]) + ARGV[5], storeUnder(KEYS[11], delayedMessages, ARGV[6], ARGV[4] .. ARGV[7]))
end
markSettled(claims, ARGV[2], ARGV[3])
--@ local attempt, failure = history.failure(ARGV[7])
--@ history.add('retry', ARGV[6], ARGV[1], attempt or '', failure, 'delayMs', ARGV[5])
return 1
