-- bury-large: waiting -> dead, for messages at the head of their list that are too large for a worker
-- KEYS  1 quarantine  2 requeued  3 inbox  4 high  5 base  6 low (lists)  7 dead (zset)  8 dead messages  9 meta  10 metrics of all time
--       11 of this minute  12 of this hour (hashes)
-- ARGV  1 worker  2 most bytes of one message
-- Returns {id, bytes, ..} of the messages that were buried
--
-- A client cannot hold a text of such a size, and would end with the message again and again. So no client reads it.
local lists, buried = waitingLists(1), {}
redis.call('HDEL', KEYS[8], '') -- Redis allows this when out of memory, and then all later writes
for lane, list in pairs(lists) do
  local message = redis.call('LINDEX', list, 0)
  if message and #message > tonumber(ARGV[2]) then
    local id, attempts = parseHeader(message)
    if not id then id, attempts = ARGV[1] .. '.' .. lane, 0 end
    local form = '{"lane":"%s","reason":"too large: %d bytes, and a worker takes at most %d","attempts":%d,"worker":"%s"}'
    local record = string.format(form, lane == 'inbox' and 'b' or lane, #message, ARGV[2], attempts, ARGV[1])
    storeDeadLetter(KEYS[9], KEYS[7], KEYS[8], id, record, message)
    redis.call('LPOP', list)
    buried[#buried + 1] = id
    buried[#buried + 1] = #message
  end
end
wakeWorker(lists)
addCount(10, 'dead', #buried / 2)
return buried
