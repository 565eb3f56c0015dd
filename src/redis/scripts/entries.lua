-- entries: reads a page of dead letters or of delayed messages, each with its size and its first bytes
-- KEYS  1 dead or delayed (zset)  2 dead:messages or delayed:messages (hash)
-- ARGV  1 how many to skip  2 how many to read  3 most bytes of each  4 'newest', or 'oldest' for those with the lowest score first
-- Returns {key, score, size, first bytes, ..}. The bytes begin after the record of a dead letter, which is never cut
local skip, most = tonumber(ARGV[1]), tonumber(ARGV[3])
local command = ARGV[4] == 'newest' and 'ZREVRANGE' or 'ZRANGE'
local page = redis.call(command, KEYS[1], skip, skip + ARGV[2] - 1, 'WITHSCORES')
local found = {}
for index = 1, #page, 2 do
  local entry = redis.call('HGET', KEYS[2], page[index])
  if entry then
    local record = ARGV[4] == 'newest' and string.find(entry, '\n', 1, true) or 0
    found[#found + 1] = page[index]
    found[#found + 1] = page[index + 1]
    found[#found + 1] = #entry - record
    found[#found + 1] = string.sub(entry, 1, record + most)
  end
end
return found
