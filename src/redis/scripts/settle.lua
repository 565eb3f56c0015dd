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
local now, reply, moves, ended, isWaiting, areAdded, isBuried = keepTime(meta), {}, {}, {}, false, false, false

local function endTracked(record, id, job, status, news, ...)
  redis.call('HSET', record, 'status', status, 'endedAt', now, ...)
  moveJob(moves, job[1], status, id, now)
  letExpire(moves, record, id, now, status, job[3], job[4])
  releaseUnique(jobs, id, job[2])
  tellEnd(record, id, job[5], job[6], news)
  areAdded = true
end

-- A verb gets the record and its job {status, unique, keep, keepFailed, teller, watched}; both are absent for a message that is not tracked.
local verbs = {}

function verbs.done(record, id, job, result, ...)
  local entries = {...}
  for at = 1, #entries, 2 do redis.call('HSET', outbox, entries[at], entries[at + 1]) end
  if not record then return end
  if result == '' then return endTracked(record, id, job, 'done', 'done\n') end
  endTracked(record, id, job, 'done', #result <= tonumber(ARGV[3]) and 'done\n' .. result or 'done', 'result', result)
end

function verbs.retry(record, id, job, lane, delay, message, failure)
  local isDelayed = tonumber(delay) > 0
  if isDelayed then
    redis.call('ZADD', delayed, now + delay, storeUnder(meta, delayedMessages, id, lane .. message))
  else
    redis.call('RPUSH', lists[lane], message)
    isWaiting = true
  end
  if not record then return end
  local status = isDelayed and 'retrying' or 'waiting'
  addFailure(record, failure)
  redis.call('HSET', record, 'status', status)
  moveJob(moves, job[1], status, id, isDelayed and now + delay or now)
  if job[6] then redis.call('PUBLISH', record, status) end
end

function verbs.bury(record, id, job, letter, message, status, failure)
  storeDeadLetter(meta, dead, deadMessages, id, letter, message)
  isBuried = true
  if not record then return end
  if failure ~= '' then addFailure(record, failure) end
  endTracked(record, id, job, status, status)
end

local at, places, starts = 4, {}, {}
while ARGV[at] do
  places[#places + 1] = ARGV[at + 1]
  places[#places + 1] = ARGV[at + 2]
  starts[#starts + 1] = at
  at = at + tonumber(ARGV[at]) + 1
end
local settled = areSettled(claims, places)
for place, start in ipairs(starts) do
  local number, index, id, isTracked, verb = unpack(ARGV, start + 1, start + 5)
  local record, job = isTracked == '1' and KEYS[24 + place], nil
  if settled[place] then
    reply[place] = redis.call('ZSCORE', workers, ARGV[1]) and 'already' or 'lost'
  else
    if record then job = redis.call('HMGET', record, 'status', 'unique', 'keep', 'keepFailed', 'teller', 'watched') end
    if job and job[1] == 'cancelled' then
      letExpire(moves, record, id, now, 'cancelled', job[3], job[4])
      areAdded = true
      reply[place] = 'ended'
    else
      verbs[verb](record, id, job, unpack(ARGV, start + 6, start + ARGV[start]))
      reply[place] = 'done'
    end
    ended[#ended + 1] = 'e' .. number .. '.' .. index
    ended[#ended + 1] = 1
  end
end
storeMoves(jobs, moves)
if areAdded then trimJobs(jobs, now, #starts) end
if #ended > 0 then redis.call('HSET', claims, unpack(ended)) end
if isBuried then dropOldest(dead, deadMessages, math.min(redis.call('ZCARD', dead) - ARGV[2], 100)) end
if isWaiting then wakeWorker(lists) end
return reply
