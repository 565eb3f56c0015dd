-- uncount-crash: dead -> (gone), or a crash of a message -> none: the lease of a worker had ended, and then its handler ended well
-- KEYS  1 dead (zset)  2 dead messages (hash)  3 uncounted (hash)
-- ARGV  1 id of the message  2 worker  3 number of the take and index: each claim counts once  4 how long this is kept, ms
-- Returns 1 if the message was buried for this crash, and is deleted now, as its work is done; else 0, and recover counts one less
--
-- The dead letter of a tracked message stays: its job has failed, its result was dropped, and those who wait for it may know that.
local dead, deadMessages, uncounted = KEYS[1], KEYS[2], KEYS[3]
local id, worker, claim = ARGV[1], ARGV[2], ARGV[3]
if redis.call('HSETNX', uncounted, worker .. '.' .. claim, 1) == 0 then return 0 end
redis.call('PEXPIRE', uncounted, ARGV[4])
local letter = redis.call('HGET', deadMessages, id)
local record = letter and string.match(letter, '^[^\n]*')
if record and string.find(record, '"reason":"its worker died ', 1, true) and string.find(record, '"worker":"' .. worker .. '"', 1, true) then
  local _, _, _, fields = parseHeader(string.sub(letter, #record + 2))
  if fields and string.find(fields .. ' ', ' j=1 ', 1, true) then return 0 end
  redis.call('ZREM', dead, id)
  redis.call('HDEL', deadMessages, id)
  --@ history.add('ack', id, worker, '', '')
  return 1
end
redis.call('HINCRBY', uncounted, id, 1)
return 0
