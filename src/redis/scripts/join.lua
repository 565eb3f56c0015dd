-- join: (nobody) -> worker
-- KEYS  1 workers (zset)  2 roll (set)  3 reports (hash)
-- ARGV  1 worker  2 server ms at which joining was asked for  3 lease in ms  4 its report
-- Reply 1 registered, 0 when the request is older than a lease
--
-- A request that was on its way for longer than a lease may be the ghost of a worker that was recovered since.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if now - tonumber(ARGV[2]) > tonumber(ARGV[3]) then return 0 end
redis.call('ZREM', KEYS[1], '') -- cannot grow memory: lets this run on a full server, which only workers can drain
redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[1])
redis.call('SADD', KEYS[2], ARGV[1])
redis.call('HSET', KEYS[3], ARGV[1], ARGV[4])
return 1
