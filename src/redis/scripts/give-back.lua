-- give-back: active, not begun -> waiting (head), the attempt not counted
-- KEYS  1 claims of this worker (hash, _lib.lua)  2 workers (zset)  3 quarantine  4 requeued  5 inbox  6 high  7 base  8 low (lists)
-- ARGV  1 worker  2 take of the message that began last  3 index of that message  4 number of the newest take that goes back
-- Returns how many messages went back; -1 if the lease was lost
--
-- Messages begin in the order of their takes. The worker begins none of the others up to take ARGV[4], whether this call arrives
-- or not, so it may arrive late.
local claims, workers, lists = KEYS[1], KEYS[2], waitingLists(3)
local number, index, newest = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
redis.call('HDEL', claims, '') -- Redis allows this when out of memory, and then all later writes
if not redis.call('ZSCORE', workers, ARGV[1]) then return -1 end

local count = 0
for _, take in ipairs(takesOf(claims)) do
  if take.number >= number and take.number <= newest then
    eachUnsettled(take, function(lane, message, place)
      if take.number == number and place <= index then return end
      if count == 0 then emptyInbox(lists) end
      redis.call('LPUSH', lists[lane], message)
      markSettled(claims, take.number, place)
      --@ history.active('give-back', message, ARGV[1], lane, take.number, place)
      count = count + 1
    end)
  end
end
if count > 0 then wakeWorker(lists) end
return count
