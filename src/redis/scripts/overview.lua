-- overview: reads what an overview shows of a queue, at one moment
-- KEYS  1 workers (zset)  2 delayed  3 dead (zsets)  4 quarantine  5 requeued  6 inbox  7 high  8 base  9 low (lists)
--       10 heartbeats (hash)  11 meta  12 schedules (zset)  13.. claims of each worker in ARGV (hashes, _lib.lua)
-- ARGV  the workers that the caller knows
-- Returns {{waiting, delayed, dead, active, is paused, now, done, failed}, heads, first schedule, leases, heartbeats}. Heads are the
--         first 256 bytes of the first message of each list. If ARGV are not the registered workers, active is -1, and the caller
--         must call again with those in leases
local active = activeCount(redis.call('ZRANGE', KEYS[1], 0, -1), 12)
local paused, done, failed, time, ahead = unpack(redis.call('HMGET', KEYS[11], 'paused', 'done', 'failed', 'time', 'ahead'))
local now = queueTime(time, ahead)
local isPaused = paused and (paused == 'on' or (tonumber(paused) or 0) > now)
local lists, heads = waitingLists(4), {}
local waiting = waitingCount(lists)
if waiting > 0 then
  for _, list in pairs(lists) do
    local first = redis.call('LINDEX', list, 0)
    if first then heads[#heads + 1] = string.sub(first, 1, 256) end
  end
end
local counts = {waiting, redis.call('ZCARD', KEYS[2]), redis.call('ZCARD', KEYS[3]), active, isPaused and 1 or 0, now, tonumber(done or 0), tonumber(failed or 0)}
local leases = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
return {counts, heads, redis.call('ZRANGE', KEYS[12], 0, 0, 'WITHSCORES'), leases, redis.call('HGETALL', KEYS[10])}
