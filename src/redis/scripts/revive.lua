-- revive: dead -> waiting (tail), like a new message: no attempts, no crashes, no failures, no expiry
-- KEYS  1 dead (zset)  2 dead messages (hash)  3 request (string)  4 requeued  5 high  6 base  7 low (lists)
-- ARGV  1 how long Redis keeps the request key, in ms  2 'a' on a plain queue: all messages go to requeued, as they have a header;
--       else 'b': each goes to the lane in its record  3.. for each dead letter: its key, and when it was buried
-- Returns how many were revived
--
-- The time of burial must match: if a letter was revived and buried requeued, it is another letter. The request key keeps the
-- result, so a repeated request gets the same reply.
local dead, deadMessages, request, requeued, high, base, low = unpack(KEYS)
local answer = redis.call('GET', request)
if answer then return tonumber(answer) end
redis.call('HDEL', deadMessages, '') -- Redis allows this when out of memory, and then all later writes
local lanes = ARGV[2] == 'a' and {b = requeued} or {a = requeued, h = high, l = low, b = base}

-- Returns the message with a fresh header. Parses the header and the failures behind it as the client does (envelope.ts).
local function renewed(letter, message)
  local id, attempts, crashes, fields = string.match(string.sub(message, 1, 256), '^#([%w_.:~-]+) (%d+) (%d+)([^\n]*)\n')
  if not id or #id > 64 or #attempts > 6 or #crashes > 6 or string.gsub(fields, ' %l+=[!-~]+', '') ~= '' then
    return '#' .. letter .. ' 0 0\n' .. message
  end
  local length = #id + #attempts + #crashes + #fields + 4
  local failures = tonumber(string.match(fields .. ' ', ' f=(%d+) ') or 0)
  if failures > 0 and not string.find(string.sub(message, length + 1, length + failures), '^%[[ -~]*\n$') then failures = 0 end
  fields = string.gsub(fields, ' (%l+)=([^ ]+)', function(name, value)
    if (name == 'x' and not string.find(value, '%D')) or (name == 'f' and failures > 0) then return '' end
  end)
  return '#' .. id .. ' 0 0' .. fields .. '\n' .. string.sub(message, length + failures + 1)
end

local revived = 0
for index = 3, #ARGV, 2 do
  local letter, at = ARGV[index], redis.call('ZSCORE', dead, ARGV[index])
  if at and tonumber(at) == tonumber(ARGV[index + 1]) then
    local entry = redis.call('HGET', deadMessages, letter)
    if entry then
      local lane = lanes[string.match(entry, '^{"lane":"(%l)"') or 'b'] or lanes.b
      redis.call('RPUSH', lane, renewed(letter, string.sub(entry, (string.find(entry, '\n', 1, true) or 0) + 1)))
      revived = revived + 1
    end
    redis.call('HDEL', deadMessages, letter)
    redis.call('ZREM', dead, letter)
  end
end
redis.call('SET', request, revived, 'PX', ARGV[1])

if revived > 0 and redis.call('LLEN', base) == 0 then
  if not redis.call('LMOVE', high, base, 'LEFT', 'LEFT') then redis.call('LMOVE', low, base, 'LEFT', 'LEFT') end
end
return revived
