-- The claims of one worker. Its claims hash has these fields:
--   seq      number of the last take that returned messages
--   t<n>     messages of take n, a msgpack array: first a text with one lane letter for each message, then the messages
--   a<n>     acknowledgements of take n: '<how many> <of how many> <indexes>', such as '41 500 1-40,45'
--   e<n>.<i> message i of take n was settled with an effect: it was retried, buried or released
--   s<n>     message 1 of take n is quarantined
-- t<n>, a<n>, e<n>.* and s<n> are deleted together, when every message of take n is settled.

-- Sets table[index] = true for each index in a text such as '1-40,45'.
local function addIndexes(indexes, text)
  for from, to in string.gmatch(text, '(%d+)%-?(%d*)') do
    for index = tonumber(from), tonumber(to) or tonumber(from) do indexes[index] = true end
  end
end

-- Returns the takes that are not deleted yet, newest first: {number, hasQuarantined, settled = {index = true}, packed}
local function takesOf(claims)
  local byNumber, takes, fields = {}, {}, redis.call('HGETALL', claims)
  local function takeOf(number)
    if not byNumber[number] then byNumber[number] = {number = number, settled = {}} end
    return byNumber[number]
  end
  for at = 1, #fields, 2 do
    local kind, number, index = string.match(fields[at], '^(%l)(%d+)%.?(%d*)$')
    local take = kind and takeOf(tonumber(number))
    if kind == 't' then take.packed = fields[at + 1]
    elseif kind == 'a' then addIndexes(take.settled, string.match(fields[at + 1], '^%d+ %d+ (.*)$') or '')
    elseif kind == 'e' then take.settled[tonumber(index)] = true
    elseif kind == 's' then take.hasQuarantined = true end
  end
  for _, take in pairs(byNumber) do
    if take.packed then takes[#takes + 1] = take end
  end
  table.sort(takes, function(one, other) return one.number > other.number end)
  return takes
end

-- Calls visit(lane, message, index) for each unsettled message of a take, from the last to the first.
local function eachUnsettled(take, visit)
  local messages = cmsgpack.unpack(take.packed)
  for index = #messages - 1, 1, -1 do
    if not take.settled[index] then visit(string.sub(messages[1], index, index), messages[index + 1], index) end
  end
end

-- Deletes every field of a take.
local function forget(claims, take)
  redis.call('HDEL', claims, 't' .. take.number, 'a' .. take.number, 's' .. take.number)
  for index in pairs(take.settled) do redis.call('HDEL', claims, 'e' .. take.number .. '.' .. index) end
end
