-- beat: worker -> worker, its lease renewed; claims it does not know of -> ready (head)
-- KEYS  1 claims of this worker (hash)  2 workers (zset)  3 meta (hash)  4 suspects  5 again  6 inbox  7 high  8 base
--       9 low (lists)  10 reports  11 orders (hashes)
-- ARGV  1 worker  2 lease in ms  3 number of its take under way  4 its report  5.. tokens it holds
-- Reply {status, ms until a lease ends, whose lease that is, 1 when somebody watches, order for this worker or ''};
--       status 0 renewed, -1 the lease is lost
--
-- A claim from an earlier take that the worker does not know of was resurrected, by a lost reply or a failover.
local claims, workers, meta, suspects, again, inbox, high, base, low, reports, orders = unpack(KEYS)
local worker, lease = ARGV[1], tonumber(ARGV[2])
local lanes = {a = again, b = base, h = high, l = low, s = suspects}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREM', workers, '') -- cannot grow memory: lets this run on a full server
if not redis.call('ZSCORE', workers, worker) then return {-1, -1, ''} end

-- One living worker beats every third of a lease. When nobody could for longer, the server was away for all: nobody is
-- dead, and everybody gets a third more. (At 0.6 whoever had beaten last before an outage of half a lease had no time left.)
if now - tonumber(redis.call('HGET', meta, 'seen') or now) > 0.4 * lease then
  for _, other in ipairs(redis.call('ZRANGEBYSCORE', workers, '-inf', now + lease / 3)) do
    redis.call('ZADD', workers, math.floor(now + lease / 3), other)
  end
end
redis.call('HSET', meta, 'seen', now)
redis.call('ZADD', workers, now + lease, worker)
redis.call('HSET', reports, worker, ARGV[4])

local known, ghosts = {}, {}
for index = 5, #ARGV do known[ARGV[index]] = true end
for _, token in ipairs(redis.call('HKEYS', claims)) do
  local number, place = string.match(token, '^%a(%d+)%.(%d+)$')
  if number and tonumber(number) < tonumber(ARGV[3]) and not known[token] then
    ghosts[#ghosts + 1] = {token = token, number = tonumber(number), place = tonumber(place)}
  end
end
if #ghosts > 0 then
  while redis.call('LMOVE', inbox, base, 'RIGHT', 'LEFT') do end
  table.sort(ghosts, function(a, b)
    if a.number ~= b.number then return a.number > b.number end
    return a.place > b.place
  end)
  for _, ghost in ipairs(ghosts) do
    redis.call('LPUSH', lanes[string.sub(ghost.token, 1, 1)], redis.call('HGET', claims, ghost.token))
    redis.call('HDEL', claims, ghost.token)
  end
end

local first = redis.call('ZRANGE', workers, 0, 0, 'WITHSCORES')
local isWatched = tonumber(redis.call('HGET', meta, 'watched') or 0) > now and 1 or 0
return {0, math.max(0, math.ceil(first[2] - now)), first[1], isWatched, redis.call('HGET', orders, worker) or ''}
