-- ack: claimed -> (nothing)
-- KEYS  1 claims of this worker (hash)  2 workers (zset)
-- ARGV  1 worker  2.. tokens, such as b12.3, or many that follow each other, such as b12.3-40
-- Reply 1 done, 0 some of them were settled before, -1 the lease is lost
--
-- What was done in one turn stands together, so a thousand tokens travel as one or two texts.
local claims, stemOf = KEYS[1], '^(%a%d+%.)(%d+)%-?(%d*)$'
local ones = {[0] = '0', '1', '2', '3', '4', '5', '6', '7', '8', '9'}
local asked, gone = 0, 0
for index = 2, #ARGV do
  local stem, from, to = string.match(ARGV[index], stemOf)
  from, to = tonumber(from), tonumber(to) or tonumber(from)
  for first = from, to, 1000 do
    local tokens, count, tens = {}, 0, nil
    for place = first, math.min(first + 999, to) do
      local one = place % 10
      if one == 0 or not tens then tens = stem .. (place < 10 and '' or math.floor(place / 10)) end
      count = count + 1
      tokens[count] = tens .. ones[one]
    end
    asked = asked + count
    gone = gone + redis.call('HDEL', claims, unpack(tokens))
  end
end
if gone == asked then return 1 end
return redis.call('ZSCORE', KEYS[2], ARGV[1]) and 0 or -1
