-- join: (nothing) -> worker
-- KEYS  1 workers (zset)  2 roll (hash)  3 reports  4 meta (hash)
-- ARGV  1 worker  2 server ms at which joining was asked for  3 lease in ms  4 its report  5 its process  6 layout of claims
-- Returns {1} registered, {0} when the request is older than a lease, {-1, layout} when other workers keep claims in another layout
--
-- A request that was on its way for longer than a lease may belong to a worker that was recovered since.
local workers, roll, reports, meta = unpack(KEYS)
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if now - tonumber(ARGV[2]) > tonumber(ARGV[3]) then return {0} end

-- Workers of layout 1 cannot read claims of this one, and would lose them. Their roll is a set: each of the two kinds
-- refuses to join where the other is registered.
local kind = redis.call('TYPE', roll).ok
local layout = kind == 'set' and '1' or kind == 'hash' and redis.call('HGET', meta, 'layout') or ARGV[6]
if layout ~= ARGV[6] then return {-1, layout} end

redis.call('ZREM', workers, '') -- cannot grow memory: lets this run on a full server, which only workers can drain
redis.call('HSET', meta, 'layout', layout)
redis.call('ZADD', workers, now + ARGV[3], ARGV[1])
redis.call('HSET', roll, ARGV[1], ARGV[5])
redis.call('HSET', reports, ARGV[1], ARGV[4])
return {1}
