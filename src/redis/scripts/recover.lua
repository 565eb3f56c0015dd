-- recover: active messages of a worker with an ended lease -> waiting (head), quarantined (head) or dead
-- KEYS  1 claims of that worker (hash, _lib.lua)  2 workers (zset)  3 quarantine  4 requeued  5 inbox  6 high  7 base  8 low (lists)
--       9 registry  10 meta  11 heartbeats  12 commands  13 registry of the earlier layouts (hashes)  14 dead (zset)
--       15 dead messages (hash)  16 uncounted crashes (hash: id -> how many)  17 metrics of all time  18 of this minute
--       19 of this hour (hashes)
-- ARGV  1 that worker  2 lease in ms  3 number of crashes that buries a message  4 'a' on a plain queue: messages with a new
--       header go to requeued; else 'b': they go back to their lane  5 '1' if its process held a quarantined message elsewhere
--       6 most messages of a call  7 most bytes: a call that has reached one of these gives no further take back
-- Returns {waiting, quarantined, dead, 1 if takes are left}: how many messages went where; {-1, ms} if its lease ends only after
--         so many ms
--
-- A call gives a few takes back, so that it does not block Redis for long. The first call ends the lease. The caller calls again
-- while takes are left. If it dies meanwhile, sweep finds the worker: it is in the registry and has no lease.
-- A message is quarantined if one more crash would bury it. A worker holds at most one. If that worker dies, only the crash of
-- this message is counted, and the other messages go back unchanged. Without a quarantined message, the crash of every
-- message is counted. Only headers are read and written: a payload may be what killed the worker. A crash that turned out to be none
-- is taken back: the handler had ended well, and its acknowledgement came after the recovery.
local claims, workers, meta, dead, deadMessages, uncounted = KEYS[1], KEYS[2], KEYS[10], KEYS[14], KEYS[15], KEYS[16]
local worker, lease, limit = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])

redis.call('ZREM', workers, '') -- Redis allows this when out of memory, and then all later writes
local now = keepTime(meta)
local ends = redis.call('ZSCORE', workers, worker)
if ends and tonumber(ends) > now then return {-1, math.ceil(ends - now)} end

if ends then
  local seen = tonumber(redis.call('HGET', meta, 'seen') or 0)
  extendAfterOutage(workers, seen, now, lease)
  ends = redis.call('ZSCORE', workers, worker)
  if tonumber(ends) > now then
    redis.call('HSET', meta, 'seen', now)
    return {-1, math.ceil(ends - now)}
  end
end
redis.call('ZREM', workers, worker)

local lists = waitingLists(3)
emptyInbox(lists)

local takes, quarantinedOf = takesOf(claims), nil
for _, take in ipairs(takes) do
  if take.hasQuarantined and not take.settled[1] then quarantinedOf = take.number end
end

local isSpared = quarantinedOf ~= nil or ARGV[5] == '1' or redis.call('HEXISTS', claims, 'spared') == 1

local waiting, quarantined, buried = 0, 0, 0
local function crash(lane, message, token)
  local id, attempts, crashes, fields, length = parseHeader(message)
  if not id then id, attempts, crashes, fields, length = worker .. '.' .. lane .. token, 0, 0, '', 0 end
  crashes = crashes + 1
  local none = crashes >= limit - 1 and tonumber(redis.call('HGET', uncounted, id) or 0) or 0
  if none > 0 then
    crashes = math.max(0, crashes - none)
    redis.call('HDEL', uncounted, id)
  end
  message = headerLine(id, attempts, crashes, fields) .. string.sub(message, length + 1)
  if crashes >= limit then
    storeDeadLetter(meta, dead, deadMessages, id, crashRecord(lane, crashes, attempts, worker), message)
    buried = buried + 1
  elseif crashes == limit - 1 then
    redis.call('LPUSH', lists.s, message)
    quarantined = quarantined + 1
  else
    redis.call('LPUSH', lists[ARGV[4] == 'a' and 'a' or lane], message)
    waiting = waiting + 1
  end
end
local last, size = #takes, 0
for place, take in ipairs(takes) do
  eachUnsettled(take, function(lane, message, index)
    if not isSpared or (take.number == quarantinedOf and index == 1) then
      return crash(lane, message, take.number .. '.' .. index)
    end
    redis.call('LPUSH', lists[lane], message)
    waiting = waiting + 1
  end)
  forget(claims, take)
  size = size + #take.packed
  if waiting + quarantined + buried >= tonumber(ARGV[6]) or size >= tonumber(ARGV[7]) then
    last = place
    break
  end
end
if last == #takes then
  redis.call('DEL', claims)
  unregister(9, workers, worker)
elseif isSpared then
  redis.call('HSET', claims, 'spared', 1)
end
wakeWorker(lists)
addCount(17, 'lost', waiting + quarantined + buried)
addCount(17, 'dead', buried)
return {waiting, quarantined, buried, last < #takes and 1 or 0}
