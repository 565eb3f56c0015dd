-- take: waiting -> active
-- KEYS  1 claims of this worker (hash, _lib.lua)  2 workers (zset)  3 meta (hash)  4 quarantine  5 requeued  6 inbox  7 high
--       8 base  9 low (lists)  10 delayed (zset)
--+ --       11 claims of jobs (hash)  12 jobs to check (set)
-- ARGV  1 worker  2 number of this take  3 most messages  4 most bytes  5 most bytes of one message
--+ --       6 name of the worker, for people
-- Returns {status, ms until a delayed message is due or -1, ms until the first lease ends, worker of that lease, 1 if someone
--         watches, time of the queue, packed messages, acknowledgements, indexes settled with an effect}; the last three only if
--         messages were taken
--+ --         Behind these '1', if handlers may begin before the call of begin
--         status 0 served, 1 paused, 2 the next message is too large: the caller must call bury-large, -1 the lease was lost,
--         -2 a newer take was answered
--
-- If a take is sent again under the same number, it gets the same messages. So a lost reply claims nothing twice.
--
-- take-tracked also has the lines that begin with this:
--+ -- The jobs of tracked messages are running from this step on, even if their records still say that they wait: see protocol.md, "Job records".
local claims, workers, meta, delayed, lists = KEYS[1], KEYS[2], KEYS[3], KEYS[10], waitingLists(4)
-- The number stays a text, as it is written in names of fields: Redis formats a number that it gets from Lua with 17 digits.
local worker, number, most, room, longest = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
if not redis.call('ZSCORE', workers, worker) then return {-1} end

local paused, watched, time = unpack(redis.call('HMGET', meta, 'paused', 'watched', 'time'))
local now = serverNow()
if time and tonumber(time) > now then -- as queueTime does, without its cost while the clock is right
  now = math.max(now + (redis.call('HGET', meta, 'ahead') or 0), tonumber(time))
end
local function reply(status, packed, acked, effects)
  local ends = redis.call('ZRANGE', workers, '0', '0', 'WITHSCORES')
  local isWatched = watched and tonumber(watched) > now and 1 or 0
  return {status, nextDue(delayed, now), math.max(0, math.ceil(ends[2] - now)), ends[1], isWatched, now, packed, acked, effects}
end

local last = redis.call('HGET', claims, 'seq') or '0'
if tonumber(number) < tonumber(last) then return {-2} end
if number == last then
  local packed = redis.call('HGET', claims, 't' .. last)
  if not packed then return reply(0) end
  local effects = {}
  for _, field in ipairs(redis.call('HKEYS', claims)) do
    effects[#effects + 1] = string.match(field, '^e' .. last .. '%.(%d+)$')
  end
  return reply(0, packed, string.match(redis.call('HGET', claims, 'a' .. last), '^%d+ %d+ (.*)$'), table.concat(effects, ','))
end

-- Redis allows this write when out of memory, and then all later writes. So workers can drain a full server.
redis.call('HDEL', claims, '')

if paused and (paused == 'on' or tonumber(paused) > now) then
  emptyInbox(lists)
  return reply(1)
end

-- Messages are copied first, and removed after they are stored, so no failing step loses one. Portions grow. The larger the
-- messages, the smaller a portion: a take must not copy large messages that do not fit. So it looks at the size of the last
-- message of a portion before it copies the portion.
local taken, lanes, count, drawn, largest, isTooLarge = {''}, '', 0, {}, 1, false
local function draw(list, lane, bound)
  local portion, length = 8, bound > 1 and redis.call('LLEN', list) or 1
  while count < bound and room > 0 do
    local from = drawn[list] or 0
    local wanted = math.min(bound - count, portion, length - from, math.ceil(room / largest))
    if wanted <= 0 then return end
    if wanted > 1 then
      largest = math.max(largest, #redis.call('LINDEX', list, from + wanted - 1))
      wanted = math.min(wanted, math.ceil(room / largest))
    end
    local messages = redis.call('LRANGE', list, from, from + wanted - 1)
    if #messages == 0 then return end
    local used, left, most, before, longest = 0, room, largest, count, longest -- faster than the variables outside
    for index = 1, #messages do
      local message = messages[index]
      local size = #message
      if size > longest then
        isTooLarge = before + used == 0 -- bury-large buries it, once it is the first message of a take
        left = 0
        break
      end
      if size > most then most = size end
      used = index
      taken[before + index + 1] = message
      left = left - size
      if left <= 0 then break end
    end
    room, largest, count = left, most, before + used
    drawn[list] = from + used
    lanes = lanes .. string.rep(lane, used)
    portion = portion * 8
  end
end

-- A worker holds at most one quarantined message at a time. If it dies, that message is blamed. It may hold other messages beside it.
local function holdsQuarantined()
  for _, field in ipairs(redis.call('HKEYS', claims)) do
    local with = string.match(field, '^s(%d+)$')
    local acked = with and redis.call('HGET', claims, 'a' .. with)
    if acked and not string.find(acked, '^%d+ %d+ 1%f[%D]') and redis.call('HEXISTS', claims, 'e' .. with .. '.1') == 0 then return true end
  end
end

-- Most queues have messages in base only: one call finds this out, instead of one for each list.
local hasOthers = redis.call('EXISTS', lists.s, lists.a, lists.inbox, lists.h, lists.l) > 0
if hasOthers then
  if redis.call('LLEN', lists.s) > 0 and not holdsQuarantined() then draw(lists.s, 's', 1) end
  if number % 16 == 0 then draw(lists.l, 'l', most) end -- every 16th take starts with low, so low never starves
  draw(lists.a, 'a', most)
  draw(lists.inbox, 'b', most)
  draw(lists.h, 'h', most)
end
draw(lists.b, 'b', most)
if hasOthers then draw(lists.l, 'l', most) end

local packed
--+ local isReady
if count > 0 then
  taken[1] = lanes
  packed = cmsgpack.pack(taken)
  redis.call('HSET', claims, 't' .. number, packed, 'a' .. number, '0 ' .. count .. ' ', 'seq', number)
  if drawn[lists.s] then redis.call('HSET', claims, 's' .. number, 1) end
  for list, length in pairs(drawn) do redis.call('LTRIM', list, length, '-1') end
  --+ claimJobs(KEYS[11], taken, worker .. '.' .. number .. '.', now, ARGV[6])
  --+ isReady = redis.call('EXISTS', KEYS[12]) == 0
  --@ for index = 1, count do history.active('take', taken[index + 1], worker, string.sub(lanes, index, index), number, index) end
end

if isTooLarge then
  wakeWorker(lists)
  return reply(2)
end
if count >= most or room <= 0 then wakeWorker(lists) end
--+ if isReady then
--+   local found = reply(0, packed, '', '')
--+   found[10] = '1'
--+   return found
--+ end
return reply(0, packed)
