-- take: ready -> claimed
-- KEYS  1 claims of this worker (hash)  2 workers (zset)  3 meta (hash)  4 suspects  5 again  6 inbox  7 high  8 base
--       9 low (lists)  10 delayed (zset)
-- ARGV  1 worker  2 number of this take  3 most messages  4 most bytes
--       5 company: 'alone' when the process holds nothing else, 'busy', or 'aside' to leave suspects to others
-- Reply {{status, ms until a delayed message is due, ms until a lease ends, whose lease that is, 1 when somebody watches},
--       lanes, message, ..}
--       status 0 served, 1 paused, 2 drain: hold nothing, then take alone; -1 the lease is lost, -2 a newer take was
--       answered; ms are -1 for never; lanes has a letter for each index, `-` for one that is settled
--
-- A number that was answered before gets the claims of that answer which are still unsettled: nothing is taken
-- twice for one number. Tokens are <lane><number>.<index>, so they sort and remember where to go back to.
local claims, workers, meta, suspects, again, inbox, high, base, low, delayed = unpack(KEYS)
local worker, number, most, room, company = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if not redis.call('ZSCORE', workers, worker) then return {{-1}} end

local paused, watched = unpack(redis.call('HMGET', meta, 'paused', 'watched'))
local function news(status)
  local due = redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')
  local ends = redis.call('ZRANGE', workers, 0, 0, 'WITHSCORES')
  local isWatched = watched and tonumber(watched) > now and 1 or 0
  return {status, due[2] and math.max(0, math.ceil(due[2] - now)) or -1, math.max(0, math.ceil(ends[2] - now)), ends[1], isWatched}
end

local last, count = string.match(redis.call('HGET', claims, 'seq') or '0 0', '^(%d+) (%d+)$')
if number < tonumber(last) then return {{-2}} end
if number == tonumber(last) then
  local same, letters = {news(0), ''}, {}
  for index = 1, tonumber(count) do
    letters[index] = '-'
    for lane in string.gmatch('abhls', '.') do
      local message = redis.call('HGET', claims, lane .. last .. '.' .. index)
      if message then letters[index], same[#same + 1] = lane, message end
    end
  end
  same[2] = table.concat(letters)
  return same
end

-- A write that cannot grow memory: after it a full server lets this script finish, so a backlog can always drain.
redis.call('HDEL', claims, '')

if paused and (paused == 'on' or tonumber(paused) > now) then
  while redis.call('LMOVE', inbox, base, 'RIGHT', 'LEFT') do end
  return {news(1)}
end

-- Pops, then keeps: after that write nothing fails for want of memory, and what does not fit goes back in the same script.
-- The head says how many may fit: large ones would be carried to and fro.
-- A number costs most when it is made text, so that is done once for ten tokens.
local ones = {[0] = '0', '1', '2', '3', '4', '5', '6', '7', '8', '9'}
local reply, lanes, taken = {0, ''}, '', 0
local function draw(list, lane)
  local stem
  while taken < most and room > 0 do
    local head = redis.call('LINDEX', list, 0)
    if not head then return end
    local batch = redis.call('LPOP', list, math.min(most - taken, 100, math.ceil(room / math.max(#head, 1))))
    local fields, used = {}, 0
    for _, message in ipairs(batch) do
      if room <= 0 then break end
      room = room - #message
      used = used + 1
      taken = taken + 1
      local one = taken % 10
      if one == 0 or not stem then stem = lane .. ARGV[2] .. '.' .. (taken < 10 and '' or math.floor(taken / 10)) end
      fields[2 * used - 1], fields[2 * used] = stem .. ones[one], message
      reply[taken + 2] = message
    end
    lanes = lanes .. string.rep(lane, used)
    redis.call('HSET', claims, unpack(fields))
    for index = #batch, used + 1, -1 do redis.call('LPUSH', list, batch[index]) end
  end
end

-- A last chance is taken alone: whatever else the process held would be blamed for its death.
if company ~= 'aside' and redis.call('LLEN', suspects) > 0 then
  if company == 'alone' then
    most = 1
    draw(suspects, 's')
  else
    local drainer = redis.call('HGET', meta, 'drainer')
    if drainer ~= worker and not (drainer and redis.call('ZSCORE', workers, drainer)) then
      redis.call('HSET', meta, 'drainer', worker)
      drainer = worker
    end
    if drainer == worker then return {news(2)} end
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
reply[1], reply[2] = news(0), lanes
return reply
