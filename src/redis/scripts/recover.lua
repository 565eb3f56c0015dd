-- recover: claimed by a worker whose lease has ended -> ready (head), -> suspects, or -> dead; the crash is counted
-- KEYS  1 claims of that worker (hash)  2 workers (zset)  3 roll (set)  4 meta (hash)  5 suspects  6 again  7 inbox
--       8 high  9 base  10 low (lists)  11 dead (zset)  12 dead messages (hash)  13 reports  14 orders (hashes)
-- ARGV  1 that worker  2 lease in ms  3 crashes that bury  4 lane for what comes back with a header: 'a' on a plain queue, else 'b'
-- Reply {ready, suspects, dead: how many messages went where}; {-1, ms} when its lease ends only then
--
-- Only the header is read or written: a payload may be what killed the worker.
local claims, workers, roll, meta, suspects, again, inbox, high, base, low, dead, deadMessages, reports, orders = unpack(KEYS)
local worker, lease, limit = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local lanes = {a = again, b = base, h = high, l = low, s = suspects}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local ends = redis.call('ZSCORE', workers, worker)
if ends and tonumber(ends) > now then return {-1, math.ceil(ends - now)} end
redis.call('ZREM', workers, '') -- cannot grow memory: lets this run on a full server

-- When nobody could beat for so long, the server was away for all: nobody is dead, and everybody gets a third more (beat.lua).
if ends and now - tonumber(redis.call('HGET', meta, 'seen') or 0) > 0.4 * lease then
  for _, other in ipairs(redis.call('ZRANGEBYSCORE', workers, '-inf', now + lease / 3)) do
    redis.call('ZADD', workers, math.floor(now + lease / 3), other)
  end
  redis.call('HSET', meta, 'seen', now)
  return {-1, math.ceil(lease / 3)}
end

-- The header as the client reads it (envelope.ts): strict, within the first 256 bytes.
local function parse(message)
  local id, attempts, crashes, fields = string.match(string.sub(message, 1, 256), '^#([%w_.:~-]+) (%d+) (%d+)([^\n]*)\n')
  if not id or #id > 64 or #attempts > 6 or #crashes > 6 or string.gsub(fields, ' %l+=[!-~]+', '') ~= '' then return end
  return id, attempts, tonumber(crashes), fields, #id + #attempts + #crashes + #fields + 4
end

local function bury(id, attempts, crashes, message)
  local record = string.format('{"reason":"its worker died %d times","attempts":%s,"worker":"%s"}', crashes, attempts, worker)
  local member, n = id, 0
  while redis.call('HSETNX', deadMessages, member, record .. '\n' .. message) == 0 do
    n = n + 1
    member = id .. '~' .. n
  end
  redis.call('ZADD', dead, now, member)
end

while redis.call('LMOVE', inbox, base, 'RIGHT', 'LEFT') do end

local held, all = {}, redis.call('HGETALL', claims)
for index = 1, #all, 2 do
  local lane, number, place = string.match(all[index], '^(%a)(%d+)%.(%d+)$')
  if lane then
    held[#held + 1] = {lane = lane, number = tonumber(number), place = tonumber(place), token = all[index], message = all[index + 1]}
  end
end
table.sort(held, function(a, b)
  if a.number ~= b.number then return a.number > b.number end
  return a.place > b.place
end)

local ready, suspected, buried = 0, 0, 0
for _, claim in ipairs(held) do
  local id, attempts, crashes, fields, length = parse(claim.message)
  if not id then id, attempts, crashes, fields, length = worker .. '.' .. claim.token, '0', 0, '', 0 end
  crashes = crashes + 1
  local message = '#' .. id .. ' ' .. attempts .. ' ' .. crashes .. fields .. '\n' .. string.sub(claim.message, length + 1)
  if crashes >= limit then
    bury(id, attempts, crashes, message)
    buried = buried + 1
  elseif crashes == limit - 1 then
    redis.call('RPUSH', suspects, message)
    suspected = suspected + 1
  else
    redis.call('LPUSH', lanes[ARGV[4] == 'a' and claim.lane ~= 's' and 'a' or claim.lane], message)
    ready = ready + 1
  end
end
redis.call('DEL', claims)
redis.call('ZREM', workers, worker)
-- What it did stays in the queue's sums: once, however often this is sent.
if redis.call('SREM', roll, worker) == 1 then
  local handled, failed = string.match(redis.call('HGET', reports, worker) or '', '^(%d+) (%d+) ')
  if handled then
    redis.call('HINCRBY', meta, 'handled', handled)
    redis.call('HINCRBY', meta, 'failed', failed)
  end
end
redis.call('HDEL', reports, worker)
redis.call('HDEL', orders, worker)

if redis.call('LLEN', base) == 0 then
  for _, list in ipairs({high, low}) do
    if redis.call('LMOVE', list, base, 'LEFT', 'LEFT') then break end
  end
end
return {ready, suspected, buried}
