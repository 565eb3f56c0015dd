-- release: active -> waiting (head), the attempt not counted
-- KEYS  1 claims of this worker (hash, _lib.lua)  2 workers (zset)  3 quarantine  4 requeued  5 inbox  6 high  7 base  8 low (lists)
-- ARGV  1 worker  2.. for each message, newest first: number of the take, index, lane letter, the message
-- Returns how many messages went back; -1 if none did and the lease was lost
local claims, workers, lists = KEYS[1], KEYS[2], waitingLists(3)
redis.call('HDEL', claims, '') -- Redis allows this when out of memory, and then all later writes
emptyInbox(lists)

local released = 0
for at = 2, #ARGV, 4 do
  if not isSettled(claims, ARGV[at], ARGV[at + 1]) then
    redis.call('LPUSH', lists[ARGV[at + 2]], ARGV[at + 3])
    markSettled(claims, ARGV[at], ARGV[at + 1])
    --@ history.active('release', ARGV[at + 3], ARGV[1], ARGV[at + 2], ARGV[at], ARGV[at + 1])
    released = released + 1
  end
end
wakeWorker(lists)
if released == 0 and #ARGV > 1 and not redis.call('ZSCORE', workers, ARGV[1]) then return -1 end
return released
