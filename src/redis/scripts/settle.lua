-- settle: active -> done, delayed, waiting (tail) or dead, with the record of its job, and with what must be put because of it
-- KEYS  1 claims of this worker (hash, _lib.lua)  2 workers (zset)  3 delayed (zset)  4 delayed messages (hash)
--       5 quarantine  6 requeued  7 inbox  8 high  9 base  10 low (lists)  11 meta (hash)  12 dead (zset)  13 dead messages (hash)
--       14 outbox (hash)  15..24 keys of all job records (_jobs.lua)  25.. the record of each message (hash)
-- ARGV  1 worker  2 most dead letters  3 most bytes of a result that is told at once  4.. for each message: how many words
--       follow, number of the take, index, id, '1' if it is tracked, the verb, and then
--         'done'   the result, '' if there is none; then for each message to put: its name in the outbox, its entry there
--         'retry'  lane letter, delay in ms, the message, the failure as JSON
--         'bury'   record of the dead letter, the message, 'failed' or 'expired', the error as JSON or ''
-- Returns for each message 'done', 'ended' (its job was cancelled before; nothing else happened), 'already' or 'lost'
--
-- What happens to the message and what happens to its job is one step, so a result is stored if and only if the message is done. A
-- worker that has lost its lease has no claims hash, so it changes nothing.
local claims, workers, delayed, delayedMessages = unpack(KEYS, 1, 4)
local lists, meta, dead, deadMessages, outbox, jobs = waitingLists(5), KEYS[11], KEYS[12], KEYS[13], KEYS[14], jobKeys(15)
redis.call('HDEL', claims, '') -- Redis allows this when out of memory, and then all later writes
local now, reply, isWaiting = keepTime(meta), {}, false

local verbs = {}

function verbs.done(record, id, unique, before, result, ...)
  local entries = {...}
  for at = 1, #entries, 2 do redis.call('HSET', outbox, entries[at], entries[at + 1]) end
  if not record then return end
  local news = #result <= tonumber(ARGV[3]) and 'done\n' .. result or 'done'
  if result ~= '' then redis.call('HSET', record, 'result', result) end
  endJob(jobs, record, id, before, 'done', now, unique, news)
  letJobExpire(jobs, record, id, now)
end

function verbs.retry(record, id, unique, before, lane, delay, message, failure)
  local isDelayed = tonumber(delay) > 0
  if isDelayed then
    redis.call('ZADD', delayed, now + delay, storeUnder(meta, delayedMessages, id, lane .. message))
  else
    redis.call('RPUSH', lists[lane], message)
    isWaiting = true
  end
  if not record then return end
  addFailure(record, failure)
  local status = isDelayed and 'retrying' or 'waiting'
  setJob(jobs, record, id, before, status, isDelayed and now + delay or now)
  redis.call('PUBLISH', record, status)
end

function verbs.bury(record, id, unique, before, letter, message, status, failure)
  storeDeadLetter(meta, dead, deadMessages, id, letter, message)
  dropOldest(dead, deadMessages, math.min(redis.call('ZCARD', dead) - ARGV[2], 100))
  if not record then return end
  if failure ~= '' then addFailure(record, failure) end
  endJob(jobs, record, id, before, status, now, unique, status)
  letJobExpire(jobs, record, id, now)
end

local at = 4
while ARGV[at] do
  local size, number, index, id, isTracked, verb = tonumber(ARGV[at]), unpack(ARGV, at + 1, at + 5)
  local place = #reply + 1
  local record = isTracked == '1' and KEYS[24 + place]
  if isSettled(claims, number, index) then
    reply[place] = redis.call('ZSCORE', workers, ARGV[1]) and 'already' or 'lost'
  else
    local status, unique
    if record then status, unique = unpack(redis.call('HMGET', record, 'status', 'unique')) end
    if status == 'cancelled' then
      letJobExpire(jobs, record, id, now)
      reply[place] = 'ended'
    else
      verbs[verb](record, id, unique, status, unpack(ARGV, at + 6, at + size))
      reply[place] = 'done'
    end
    markSettled(claims, number, index)
  end
  at = at + size + 1
end
if isWaiting then wakeWorker(lists) end
return reply
