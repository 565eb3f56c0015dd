-- parent-ended: a job that waits for others -> one that waits for one less; due after the last one
-- KEYS  1 its parents (hash)  2 blocked (zset)  3 its record (hash)  4 delayed (zset)  5 delayed messages (hash)  6 meta (hash)
--       7..17 keys of all job records (_jobs.lua)  18 quarantine  19 requeued  20 inbox  21 high  22 base  23 low (lists)
-- ARGV  1 id of the job  2 the parent, as block has noted it  3 how it ended: a status, or 'gone' if its record has expired  4 its result as
--       text  5 its error as JSON
-- Returns 'due' if the job is waiting now, or due at its own time; 'waiting' if it waits for others; 'cancelled' if it is cancelled because of
--         this; 'known' if it was told before, or waits for nothing any more
--
-- The hash of parents has these fields:
--   =<parent>  '' until it has ended, then how it ended; r<parent> its result as text; e<parent> its error as JSON
--   order      the parents, one on each line; left: how many have not ended
--   policy     'cancel': the job is cancelled if a parent does not end well; 'run': it runs all the same
--   input      'previous': the results of its parents become its payload: that of one parent, or an array of several
--   since      when it was noted, Unix ms
--   due        when it is due after its parents: '+<ms>', Unix ms, or ''
local parents, blocked, record, delayed, delayedMessages, meta, jobs = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], jobKeys(7)
local lists = waitingLists(18)
local id, parent, how = ARGV[1], ARGV[2], ARGV[3]
local entry = redis.call('HGET', delayedMessages, id)
if not entry or redis.call('HGET', parents, '=' .. parent) ~= '' then return 'known' end -- it may have been cancelled or cleared
local now, ahead = keepTime(meta)
redis.call('HSET', parents, '=' .. parent, how)
if ARGV[4] ~= '' then redis.call('HSET', parents, 'r' .. parent, ARGV[4]) end
if ARGV[5] ~= '' then redis.call('HSET', parents, 'e' .. parent, ARGV[5]) end
local left = redis.call('HINCRBY', parents, 'left', -1)
local policy, input, due = unpack(redis.call('HMGET', parents, 'policy', 'input', 'due'))

if how ~= 'done' and policy == 'cancel' then
  redis.call('HDEL', delayedMessages, id)
  redis.call('ZREM', delayed, id)
  redis.call('ZREM', blocked, id)
  addFailure(record, cjson.encode({name = 'ParentFailedError', message = 'it waited for job ' .. parent .. ', which is ' .. how}))
  endJob(jobs, record, id, readJob(record, {}), 'cancelled', now, false)
  redis.call('PEXPIRE', parents, 604800000)
  return 'cancelled'
end
if left > 0 then return 'waiting' end

local at = due ~= '' and math.max(dueAt(due, now, ahead), now) or now
entry = string.gsub(entry, '^([^\n]- x=)%+(%d+)', function(before, ttl) return before .. string.format('%.0f', at + ttl) end)
entry = string.gsub(entry, '^([^\n]- d=)%d+', '%1' .. string.format('%.0f', at)) -- it is ready then
if input == 'previous' then
  local names, results = {}, {}
  for one in string.gmatch(redis.call('HGET', parents, 'order'), '[^\n]+') do names[#names + 1] = 'r' .. one end
  for first = 1, #names, 1000 do
    local some = redis.call('HMGET', parents, unpack(names, first, math.min(first + 999, #names)))
    for at = 1, #some do results[#results + 1] = some[at] or 'null' end
  end
  local payload = #results == 1 and results[1] or '[' .. table.concat(results, ',') .. ']'
  entry = string.match(entry, '^[^\n]*\n') .. payload
  if redis.call('HEXISTS', record, 'payload') == 1 then redis.call('HSET', record, 'payload', payload) end
end
if at > now then
  redis.call('HSET', delayedMessages, id, entry)
  redis.call('ZADD', delayed, at, id)
  redis.call('ZADD', jobs.delayed, at, id)
else
  redis.call('RPUSH', lists[string.sub(entry, 1, 1)], string.sub(entry, 2))
  redis.call('HDEL', delayedMessages, id)
  redis.call('ZREM', delayed, id)
  reopenJob(jobs, record, id, 'delayed', 'waiting', now)
  wakeWorker(lists)
end
redis.call('ZREM', blocked, id)
redis.call('PEXPIRE', parents, 2592000000)
return 'due'
