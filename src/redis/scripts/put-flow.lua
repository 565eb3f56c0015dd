-- put-flow: (nothing) -> waiting, or -> waiting for other jobs; for several jobs of a flow
-- KEYS  1 producer (string)  2 delayed (zset)  3 delayed messages (hash)  4 quarantine  5 requeued  6 inbox  7 high  8 base  9 low (lists)
--       10 meta (hash)  11..21 keys of all job records (_jobs.lua)  22 blocked (zset)  23.. for each job its record, then its parents (hashes)
-- ARGV  1 how long Redis keeps the producer key, in ms  2 who puts  3 due time of a job that waits for others  4 after how many ms such a job
--       is looked at first  5 a msgpack array, for each job 11 words: id, lane letter, message, terms of its record, '1' if the record has
--       the payload, the jobs that wait for it as JSON without brackets, ends (for both see protocol.md, "Job records"); then as for block:
--       policy, input, due; then its parents, each once, one on each line: '' for none, and '=' if block has noted them
-- Returns 1 if stored, now or by an earlier call
--
-- The ids are new, so no other job can have them. All jobs are stored, or none. The first write is one that Redis refuses when it is out of memory.
local producer, delayed, delayedMessages, lists, meta, jobs, blocked = KEYS[1], KEYS[2], KEYS[3], waitingLists(4), KEYS[10], jobKeys(11), KEYS[22]
if redis.call('EXISTS', producer) == 1 then return 1 end
local nowText = timeText(keepTime(meta))
local put, afterParents, lookAt = nowText .. ' ' .. ARGV[2], ARGV[3], timeText(serverNow() + ARGV[4])
local words, moves, pushed, messages, dues, looks = cmsgpack.unpack(ARGV[5]), {}, {}, {}, {}, {}
local place = 0
for at = 1, #words, 11 do
  place = place + 1
  local id, lane, message, terms, hasPayload, children, ends, policy, input, due, after = unpack(words, at, at + 10)
  local record, waits = KEYS[21 + 2 * place], after ~= ''
  local fields, size = {'status', waits and 'delayed' or 'waiting', 'terms', terms, 'put', put}, 6
  if hasPayload == '1' then fields[7], fields[8], size = 'payload', string.sub(message, string.find(message, '\n', 1, true) + 1), 8 end
  if children ~= '' then fields[size + 1], fields[size + 2], size = 'children', children, size + 2 end
  if ends ~= '' then fields[size + 1], fields[size + 2] = 'ends', ends end
  redis.call('HSET', record, unpack(fields))
  if waits then
    if after ~= '=' then
      local noted, left = {'policy', policy, 'input', input, 'due', due, 'order', after, 'since', lookAt}, 0
      for parent in string.gmatch(after, '[^\n]+') do
        local count = #noted
        noted[count + 1], noted[count + 2], left = '=' .. parent, '', left + 1
      end
      redis.call('HSET', KEYS[22 + 2 * place], 'left', left == 1 and '1' or left, unpack(noted))
    end
    local count = #messages
    messages[count + 1], messages[count + 2] = id, lane .. message
    dues[count + 1], dues[count + 2] = afterParents, id
    looks[count + 1], looks[count + 2] = lookAt, id
    moveJob(moves, false, 'delayed', id, afterParents)
    --@ history.put('put', message, 'dueAt', afterParents)
  else
    local list = pushed[lane] or {}
    pushed[lane], list[#list + 1] = list, message
    moveJob(moves, false, 'waiting', id, nowText)
    --@ history.put('put', message)
  end
end
for first = 1, #messages, 2000 do
  local last = math.min(first + 1999, #messages)
  redis.call('HSET', delayedMessages, unpack(messages, first, last))
  redis.call('ZADD', delayed, unpack(dues, first, last))
  redis.call('ZADD', blocked, unpack(looks, first, last))
end
for lane, list in pairs(pushed) do
  for first = 1, #list, 1000 do redis.call('RPUSH', lists[lane], unpack(list, first, math.min(first + 999, #list))) end
end
storeMoves(jobs, moves)
redis.call('SET', producer, 1, 'PX', ARGV[1])
if next(pushed) then wakeWorker(lists) end
return 1
