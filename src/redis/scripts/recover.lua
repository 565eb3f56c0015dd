-- include _claims.lua
-- recover: active messages of a worker with an ended lease -> waiting (head), quarantined (head) or dead
-- KEYS  1 claims of that worker (hash, _claims.lua)  2 workers (zset)  3 registry  4 meta (hashes)  5 quarantine  6 requeued  7 inbox
--       8 high  9 base  10 low (lists)  11 dead (zset)  12 dead messages (hash)  13 heartbeats  14 commands
--       15 registry of the earlier layouts (hashes)
-- ARGV  1 that worker  2 lease in ms  3 number of crashes that buries a message  4 'a' on a plain queue: messages with a new
--       header go to requeued; else 'b': they go back to their lane  5 '1' if its process held a quarantined message elsewhere
-- Returns {waiting, quarantined, dead}: how many messages went where; {-1, ms} if its lease ends only after so many ms
--
-- A message is quarantined if one more crash would bury it. A worker holds at most one. If that worker dies, only the crash of
-- this message is counted, and the other messages go back unchanged. Without a quarantined message, the crash of every
-- message is counted. Only headers are read and written: a payload may be what killed the worker.
local claims, workers, registry, meta, quarantine, requeued, inbox, high, base, low, dead, deadMessages, heartbeats, commands, earlier = unpack(KEYS)
local worker, lease, limit = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local lanes = {a = requeued, b = base, h = high, l = low, s = quarantine}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local ends = redis.call('ZSCORE', workers, worker)
if ends and tonumber(ends) > now then return {-1, math.ceil(ends - now)} end
redis.call('ZREM', workers, '') -- Redis allows this when out of memory, and then all later writes

-- If no worker has beaten for so long, the server was unreachable for all of them. Every lease gets at least another third: see
-- beat.lua.
if ends and now - tonumber(redis.call('HGET', meta, 'seen') or 0) > 0.4 * lease then
  for _, other in ipairs(redis.call('ZRANGEBYSCORE', workers, '-inf', now + lease / 3)) do
    redis.call('ZADD', workers, math.floor(now + lease / 3), other)
  end
  redis.call('HSET', meta, 'seen', now)
  return {-1, math.ceil(lease / 3)}
end

-- Parses the header as the client does (envelope.ts): strictly, and only in the first 256 bytes.
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

local takes, quarantinedOf = takesOf(claims), nil
for _, take in ipairs(takes) do
  if take.hasQuarantined and not take.settled[1] then quarantinedOf = take.number end
end

local waiting, quarantined, buried = 0, 0, 0
local function crash(lane, message, token)
  local id, attempts, crashes, fields, length = parse(message)
  if not id then id, attempts, crashes, fields, length = worker .. '.' .. lane .. token, '0', 0, '', 0 end
  crashes = crashes + 1
  message = '#' .. id .. ' ' .. attempts .. ' ' .. crashes .. fields .. '\n' .. string.sub(message, length + 1)
  if crashes >= limit then
    bury(id, attempts, crashes, message)
    buried = buried + 1
  elseif crashes == limit - 1 then
    redis.call('LPUSH', quarantine, message)
    quarantined = quarantined + 1
  else
    redis.call('LPUSH', lanes[ARGV[4] == 'a' and 'a' or lane], message)
    waiting = waiting + 1
  end
end
for _, take in ipairs(takes) do
  eachUnsettled(take, function(lane, message, index)
    local isBlamed
    if quarantinedOf then isBlamed = take.number == quarantinedOf and index == 1 else isBlamed = ARGV[5] ~= '1' end
    if isBlamed then return crash(lane, message, take.number .. '.' .. index) end
    redis.call('LPUSH', lanes[lane], message)
    waiting = waiting + 1
  end)
end
redis.call('DEL', claims)
redis.call('ZREM', workers, worker)
-- Only the call that removes the worker from the registry adds its counts to the totals of the queue. A repeated call adds nothing.
if redis.call('HDEL', registry, worker) == 1 then
  local done, failed = string.match(redis.call('HGET', heartbeats, worker) or '', '^(%d+) (%d+) ')
  if done then
    redis.call('HINCRBY', meta, 'done', done)
    redis.call('HINCRBY', meta, 'failed', failed)
  end
end
redis.call('HDEL', heartbeats, worker)
redis.call('HDEL', commands, worker)
if redis.call('EXISTS', registry) == 0 then redis.call('DEL', earlier) end -- see join.lua

if redis.call('LLEN', base) == 0 then
  for _, list in ipairs({high, low}) do
    if redis.call('LMOVE', list, base, 'LEFT', 'LEFT') then break end
  end
end
return {waiting, quarantined, buried}
