-- join: (nothing) -> worker
-- KEYS  1 workers (zset)  2 registry  3 heartbeats  4 meta (hashes)  5 registry of layouts 1 (set) and 2 (hash)  6 left (zset)
-- ARGV  1 worker  2 time of the queue at the request, in ms  3 lease in ms  4 heartbeat report  5 its process  6 layout of its claims
-- Returns {1} if registered, {0} if the request is older than a lease, {-1, layout} if other workers keep claims in another layout,
--         {-2} if the worker has left
--
-- If a request is older than a lease, another process may have recovered its worker already. A late request of a worker that has
-- left would register it again, and a late take would then claim messages for it.
local workers, registry, heartbeats, meta, earlier, left = unpack(KEYS)
local now, ahead = queueTime(unpack(redis.call('HMGET', meta, 'time', 'ahead')))
if now - tonumber(ARGV[2]) >= tonumber(ARGV[3]) then return {0} end
if redis.call('ZSCORE', left, ARGV[1]) then return {-2} end

-- Workers of different layouts would lose each other's claims. So a worker does not join while workers of another layout are
-- registered: in this registry, or in the one of layouts 1 and 2.
local kind = redis.call('TYPE', earlier).ok
local isShared = kind == 'hash' or redis.call('EXISTS', registry) == 1
local layout = kind == 'set' and '1' or isShared and redis.call('HGET', meta, 'layout') or ARGV[6]
if layout ~= ARGV[6] then return {-1, layout} end

redis.call('ZREM', workers, '') -- Redis allows this when out of memory, and then all later writes: only workers can drain a full server
extendAfterOutage(workers, tonumber(redis.call('HGET', meta, 'seen') or now), now, tonumber(ARGV[3]))
redis.call('HSET', meta, 'layout', layout, 'seen', now, 'time', now, 'ahead', ahead)
redis.call('ZADD', workers, now + ARGV[3], ARGV[1])
redis.call('HSET', registry, ARGV[1], ARGV[5])
redis.call('HSET', heartbeats, ARGV[1], ARGV[4])
-- A worker of layout 1 cannot write this hash, and one of layout 2 reads `layout` in meta because it exists. leave and recover
-- remove it with the last worker.
redis.call('HSET', earlier, 'layout', layout)
return {1}
