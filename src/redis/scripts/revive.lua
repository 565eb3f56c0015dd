-- revive: dead -> waiting (tail), like a new message: no attempts, no crashes, no failures, no expiry
-- KEYS  1 dead (zset)  2 dead messages (hash)  3 request (string)  4 quarantine  5 requeued  6 inbox  7 high  8 base  9 low (lists)
-- ARGV  1 how long Redis keeps the request key, in ms  2 'a' on a plain queue: all messages go to requeued, as they have a header;
--       else 'b': each goes to the lane in its record  3 after how many bytes no further letter is revived  4.. for each dead
--       letter: its key, and when it was buried
-- Returns {how many were revived, of how many letters}. The caller asks again for the letters after these
--
-- The time of burial must match: if a letter was revived and buried again, it is another letter. The request key keeps the
-- result, so a repeated request gets the same reply.
local dead, deadMessages, request = KEYS[1], KEYS[2], KEYS[3]
local answer = redis.call('GET', request)
if answer then
  local revived, tried = string.match(answer, '^(%d+) (%d+)$')
  return {tonumber(revived), tonumber(tried)}
end
redis.call('HDEL', deadMessages, '') -- Redis allows this when out of memory, and then all later writes
local lists, now = waitingLists(4), string.format('%.0f', serverNow())

-- The lane that a dead letter goes to. A message that was quarantined has a clean record now, and goes to base.
local function laneOf(entry)
  if ARGV[2] == 'a' then return 'a' end
  local lane = string.match(entry, '^{"lane":"([abhl])"')
  return lane or 'b'
end

-- The message with a fresh header.
local function renewed(letter, message)
  local id, _, _, fields, length = parseHeader(message)
  if not id then return headerLine(letter, 0, 0, '') .. message end
  local failures = failuresLength(message, fields, length)
  fields = string.gsub(fields, ' (%l+)=([^ ]+)', function(name, value)
    local isNumber = not string.find(value, '%D')
    if ((name == 'x' or name == 'l') and isNumber) or (name == 'f' and failures > 0) then return '' end
    if name == 'd' and isNumber then return ' d=' .. now end -- it is ready since now
  end)
  return headerLine(id, 0, 0, fields) .. string.sub(message, length + failures + 1)
end

local revived, tried, room = 0, 0, tonumber(ARGV[3])
for index = 4, #ARGV, 2 do
  if room <= 0 then break end
  tried = tried + 1
  local letter, at = ARGV[index], redis.call('ZSCORE', dead, ARGV[index])
  if at and tonumber(at) == tonumber(ARGV[index + 1]) then
    local entry = redis.call('HGET', deadMessages, letter)
    if entry then
      redis.call('RPUSH', lists[laneOf(entry)], renewed(letter, string.sub(entry, (string.find(entry, '\n', 1, true) or 0) + 1)))
      revived = revived + 1
      room = room - #entry
    end
    redis.call('HDEL', deadMessages, letter)
    redis.call('ZREM', dead, letter)
  end
end
redis.call('SET', request, revived .. ' ' .. tried, 'PX', ARGV[1])
if revived > 0 then wakeWorker(lists) end
return {revived, tried}
