-- fire: a due schedule -> due at its next time, and its message -> outbox
-- KEYS  1 schedules (zset)  2 outbox (hash)  3.. for each schedule: its hash, the list of its runs
-- ARGV  1 id of this call  2.. for each schedule: name, revision that was read, due time that was read, last run that was read ('' for none), when it is due
--       next (Unix ms, 'inf' for never), the last run that this call puts ('' for none), how many runs count for its limit, how many
--       runs follow, and for each of them: its id ('' for one that is skipped), its entry for the outbox, its entry in the list of runs
-- Returns for each schedule 1 if this was done, now or by an earlier call; 0 if another call was first, and nothing was done
--
-- The hash of a schedule has these fields:
--   definition  when it is due and what it puts, JSON (schedules/definition.ts)
--   revision    a new text at each change of the definition
--   due         as in the sorted set; paused '1' if it is paused
--   last        id of its last run whose message was put; call: of the call that fired it last
--   fired       how many runs count for its limit
--   declaredAt  when a worker that declares it started, Unix ms
--
-- A schedule moves on only from the due time that the caller has read. So of many processes one puts the message of an instant.
local schedules, outbox, call, reply, at = KEYS[1], KEYS[2], ARGV[1], {}, 2
while ARGV[at] do
  local schedule, runs = KEYS[2 * #reply + 3], KEYS[2 * #reply + 4]
  local name, revision, due, last, nextDue, newest, counted, count = unpack(ARGV, at, at + 7)
  local first = at + 8
  at = first + 3 * count
  local itsRevision, itsDue, itsLast, itsCall = unpack(redis.call('HMGET', schedule, 'revision', 'due', 'last', 'call'))
  if itsCall == call then
    reply[#reply + 1] = 1
  elseif itsRevision ~= revision or itsDue ~= due or (itsLast or '') ~= last then
    reply[#reply + 1] = 0
  else
    for run = first, at - 1, 3 do
      if ARGV[run] ~= '' then redis.call('HSET', outbox, ARGV[run], ARGV[run + 1]) end
      --@ if ARGV[run] ~= '' then history.add('fire', ARGV[run], '', '', '', 'schedule', name) end
      redis.call('LPUSH', runs, ARGV[run + 2])
    end
    redis.call('LTRIM', runs, '0', '49')
    redis.call('HSET', schedule, 'due', nextDue, 'last', newest ~= '' and newest or last, 'call', call)
    redis.call('HINCRBY', schedule, 'fired', counted)
    redis.call('ZADD', schedules, nextDue, name)
    reply[#reply + 1] = 1
  end
end
return reply
