-- join: (nothing) -> worker
-- KEYS  1 workers (zset)  2 roll  3 reports  4 meta (hashes)
-- ARGV  1 worker  2 server time of the request in ms  3 lease in ms  4 heartbeat report  5 its process  6 layout of its claims
-- Returns {1} if registered, {0} if the request is older than a lease, {-1, layout} if other workers keep claims in another layout
--
-- If a request is older than a lease, another process may have recovered its worker already.
local workers, roll, reports, meta = unpack(KEYS)
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if now - tonumber(ARGV[2]) > tonumber(ARGV[3]) then return {0} end

-- Workers of layout 1 cannot read claims of this layout and would lose them. In layout 1 the roll is a set. So a worker of
-- one layout cannot join while a worker of the other is registered.
local kind = redis.call('TYPE', roll).ok
local layout = kind == 'set' and '1' or kind == 'hash' and redis.call('HGET', meta, 'layout') or ARGV[6]
if layout ~= ARGV[6] then return {-1, layout} end

redis.call('ZREM', workers, '') -- Redis allows this when out of memory, and then all later writes: only workers can drain a full server
redis.call('HSET', meta, 'layout', layout)
redis.call('ZADD', workers, now + ARGV[3], ARGV[1])
redis.call('HSET', roll, ARGV[1], ARGV[5])
redis.call('HSET', reports, ARGV[1], ARGV[4])
return {1}
