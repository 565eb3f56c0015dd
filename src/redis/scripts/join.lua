-- join: (nothing) -> worker
-- KEYS  1 workers (zset)  2 registry  3 heartbeats  4 meta (hashes)  5 registry of layouts 1 (set) and 2 (hash)
-- ARGV  1 worker  2 server time of the request in ms  3 lease in ms  4 heartbeat report  5 its process  6 layout of its claims
-- Returns {1} if registered, {0} if the request is older than a lease, {-1, layout} if other workers keep claims in another layout
--
-- If a request is older than a lease, another process may have recovered its worker already.
local workers, registry, heartbeats, meta, earlier = unpack(KEYS)
local now = serverNow()
if now - tonumber(ARGV[2]) > tonumber(ARGV[3]) then return {0} end

-- Workers of different layouts would lose each other's claims. So a worker does not join while workers of another layout are
-- registered: in this registry, or in the one of layouts 1 and 2.
local kind = redis.call('TYPE', earlier).ok
local isShared = kind == 'hash' or redis.call('EXISTS', registry) == 1
local layout = kind == 'set' and '1' or isShared and redis.call('HGET', meta, 'layout') or ARGV[6]
if layout ~= ARGV[6] then return {-1, layout} end

redis.call('ZREM', workers, '') -- Redis allows this when out of memory, and then all later writes: only workers can drain a full server
extendAfterOutage(workers, tonumber(redis.call('HGET', meta, 'seen') or now), now, tonumber(ARGV[3]))
redis.call('HSET', meta, 'layout', layout, 'seen', now)
redis.call('ZADD', workers, now + ARGV[3], ARGV[1])
redis.call('HSET', registry, ARGV[1], ARGV[5])
redis.call('HSET', heartbeats, ARGV[1], ARGV[4])
-- A worker of layout 1 cannot write this hash, and one of layout 2 reads `layout` in meta because it exists. leave and recover
-- remove it with the last worker.
redis.call('HSET', earlier, 'layout', layout)
return {1}
