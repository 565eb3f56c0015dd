-- take: ready -> claimed
-- KEYS  1 claims of this worker (hash)  2 workers (zset)  3 again  4 inbox  5 high  6 base  7 low (lists)  8 delayed (zset)
-- ARGV  1 worker  2 number of this take  3 most messages  4 most bytes
-- Reply {ms until the next delayed message is due or -1, token, message, token, message, ..}
--       {-2} this worker is not registered: its lease is lost      {-3} a newer take was answered before
--
-- A number that was answered before gets the claims of that answer which are still unsettled: nothing is taken
-- twice for one number. Tokens are <lane><number>.<index>, so they sort and remember where to go back to.
local claims, workers, again, inbox, high, base, low, delayed = unpack(KEYS)
local worker, number, most, room = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
if not redis.call('ZSCORE', workers, worker) then return {-2} end

local function untilDue()
  local first = redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')
  if #first == 0 then return -1 end
  local time = redis.call('TIME')
  return math.max(0, math.ceil(first[2] - time[1] * 1000 - time[2] / 1000))
end

local last, count = string.match(redis.call('HGET', claims, 'seq') or '0 0', '^(%d+) (%d+)$')
if number < tonumber(last) then return {-3} end
if number == tonumber(last) then
  local same = {untilDue()}
  for index = 1, tonumber(count) do
    for lane in string.gmatch('abhl', '.') do
      local token = lane .. last .. '.' .. index
      local message = redis.call('HGET', claims, token)
      if message then
        same[#same + 1] = token
        same[#same + 1] = message
      end
    end
  end
  return same
end

-- A write that cannot grow memory: after it a full server lets this script finish, so a backlog can always drain.
redis.call('HDEL', claims, '')

local reply, taken = {0}, 0
local function draw(list, lane)
  while taken < most and room > 0 do
    local batch = redis.call('LRANGE', list, 0, math.min(most - taken, 100) - 1)
    if #batch == 0 then return end
    local fields, used = {}, 0
    for _, message in ipairs(batch) do
      if room <= 0 then break end
      room = room - #message
      used = used + 1
      taken = taken + 1
      local token = lane .. ARGV[2] .. '.' .. taken
      fields[#fields + 1], fields[#fields + 2] = token, message
      reply[#reply + 1], reply[#reply + 2] = token, message
    end
    -- Add, then remove: the other way round a failing HSET would destroy what was popped.
    redis.call('HSET', claims, unpack(fields))
    redis.call('LTRIM', list, used, -1)
  end
end

if number % 16 == 0 then draw(low, 'l') end -- so that low never starves
draw(again, 'a')
draw(inbox, 'b')
draw(high, 'h')
draw(base, 'b')
draw(low, 'l')
if taken > 0 then redis.call('HSET', claims, 'seq', ARGV[2] .. ' ' .. taken) end

-- Whoever leaves base empty rings for the others: the next message is the bell.
if redis.call('LLEN', base) == 0 then
  for _, list in ipairs({inbox, high, low}) do
    if redis.call('LMOVE', list, base, 'LEFT', 'LEFT') then break end
  end
end
reply[1] = untilDue()
return reply
