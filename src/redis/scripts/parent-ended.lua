-- parent-ended: jobs that wait for others -> jobs that wait for fewer; due after the last one
-- KEYS  1 blocked (zset)  2 delayed (zset)  3 delayed messages (hash)  4 meta (hash)  5..15 keys of all job records (_jobs.lua)
--       16 quarantine  17 requeued  18 inbox  19 high  20 base  21 low (lists)  22.. for each job its parents, then its record (hashes)
-- ARGV  1 a msgpack array, for each job: how many words follow, its id, and for each parent that has ended: the parent, as it was noted; how it
--       ended: a status, or 'gone' if its record has expired; its result as text; its error as JSON. No parents: go on after 'more'
--       2.. names of notices in the outbox of this queue, which this call delivers
-- Returns for each job 'due' if it is waiting now, or due at its own time; 'waiting' if it waits for others; 'cancelled' if it is cancelled because
--         of this; 'known' if it was notified before, or waits for nothing any more; 'more' if all have ended, and the caller must call again
--
-- The hash of parents has these fields:
--   =<parent>  '' until it has ended, then how it ended; r<parent> its result as text; e<parent> its error as JSON
--   order      the parents, one on each line
--   left       how many have not ended; -1 when the job is due
--   policy     'cancel': the job is cancelled if a parent does not end well; 'run': it runs all the same;
--              'continue': the same, and the parent continues it; 'start': its only parent is the start
--              of its flow, which is not put as a whole yet
--   input      'own'; 'previous': the results of its parents become its payload: that of one parent, or an array of several; 'only': the same,
--              and it has one parent; otherwise the payload with a dot for the result of each parent in order, such as '[.,[.,.]]'
--   since      when it was noted, Unix ms
--   due        when it is due after its parents: '+<ms>', Unix ms, or ''
--   part<n>    while the payload is built: a part of it; parts: how many; read: how many bytes of order; filled: how many bytes of input
--
-- Calls may be repeated, and come from several processes.
redis.call('HDEL', KEYS[3], '') -- Redis allows this when out of memory, and then all later writes
local jobs, lists, now, ahead = jobKeys(5), waitingLists(16), keepTime(KEYS[4])
local flow = newFlow(KEYS[2], KEYS[3], KEYS[1], jobs, {}, now, ahead, false)

-- A parent has not ended well.
local function cancel(id, parents, record, parent)
  redis.call('HDEL', flow.delayedMessages, id)
  redis.call('ZREM', flow.delayed, id)
  redis.call('ZREM', flow.blocked, id)
  local message = 'it waited for job ' .. parent.name .. ', which is ' .. parent.how
  addFailure(record, parent.isUnstarted and unstarted() or cjson.encode({name = 'ParentFailedError', message = message}))
  endJob(jobs, record, id, readJob(record, {}), 'cancelled', now, false)
  --@ history.add('cancel', id, '', '', parent.isUnstarted and 'FlowNotStartedError' or 'ParentFailedError')
  redis.call('PEXPIRE', parents, 604800000)
end

local function notify(id, entry, parents, record, ends)
  local how, failed = endParents(flow, id, entry, parents, record, ends)
  if failed then cancel(id, parents, record, failed) end
  return how
end

local words, at, ids, ends, reply = cmsgpack.unpack(ARGV[1]), 1, {}, {}, {}
while words[at] do
  ids[#ids + 1] = words[at + 1]
  ends[#ends + 1] = {unpack(words, at + 2, at + words[at])}
  at = at + words[at] + 1
end
local entries = redis.call('HMGET', flow.delayedMessages, unpack(ids))
local problem -- of a job whose keys another program has changed: the others must not be lost with it
for place, id in ipairs(ids) do
  local isFine, how = pcall(notify, id, entries[place], KEYS[20 + 2 * place], KEYS[21 + 2 * place], ends[place])
  reply[place] = how
  if not isFine then problem = how end
end
local hasStarted = storeStarted(flow, lists)
storeMoves(jobs, flow.moves)
if #ARGV > 1 and not problem then redis.call('HDEL', jobs.outbox, unpack(ARGV, 2)) end
if hasStarted then wakeWorker(lists) end
if problem then return type(problem) == 'table' and problem or redis.error_reply(problem) end -- a table since Redis 7
return reply
