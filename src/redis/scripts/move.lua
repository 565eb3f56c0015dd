-- move: delayed -> delayed with another due time, or -> waiting (tail) if that time is now or past
-- KEYS  1 delayed (zset)  2 delayed messages (hash)  3 request (string)  4 quarantine  5 requeued  6 inbox  7 high  8 base
--       9 low (lists)  10 meta (hash)
-- ARGV  1 id  2 new due time: +ms from now, or Unix ms  3 how long Redis keeps the request key, in ms
-- Returns {1 if moved or 0 if there is no delayed message with this id, ms until the next message is due or -1}
--
-- The request key keeps the result. Without it, a repeated or late request would undo a later move.
local delayed, delayedMessages, request = KEYS[1], KEYS[2], KEYS[3]
redis.call('ZREM', delayed, '') -- Redis allows this when out of memory, and then all later writes
local now, ahead = keepTime(KEYS[10])
local answered = redis.call('GET', request)
if answered then return {tonumber(answered), nextDue(delayed, now)} end

local entry, moved = redis.call('HGET', delayedMessages, ARGV[1]), 0
if entry then
  local due = dueAt(ARGV[2], now, ahead)
  local head, moves = string.gsub(string.sub(entry, 1, 257), '^([^\n]- d=)%d+', '%1' .. string.format('%.0f', math.max(due, now)))
  if moves > 0 then entry = head .. string.sub(entry, 258) end -- it is ready then
  if due > now then
    redis.call('ZADD', delayed, due, ARGV[1])
    if moves > 0 then redis.call('HSET', delayedMessages, ARGV[1], entry) end
  else
    local lists = waitingLists(4)
    redis.call('RPUSH', lists[string.sub(entry, 1, 1)], string.sub(entry, 2))
    redis.call('HDEL', delayedMessages, ARGV[1])
    redis.call('ZREM', delayed, ARGV[1])
    wakeWorker(lists)
  end
  moved = 1
end
redis.call('SET', request, moved, 'PX', ARGV[3])
return {moved, nextDue(delayed, now)}
