-- save-schedule: (nothing), or a schedule -> a schedule, unless it was changed or has fired since it was read
-- KEYS  1 schedules (zset)  2 this schedule (hash, see fire)
-- ARGV  1 name  2 the revision that was read, '' for none  3 the new revision  4 definition as JSON  5 when it is due next, Unix ms,
--       'inf' for never  6 '1' if it is paused  7 when a worker declared it, Unix ms; '' if none did  8 when it was due as it was read, 'inf' for never
-- Returns 1 if it is stored, also by an earlier call with these arguments; 0 if it was changed or has fired meanwhile
local schedules, schedule = KEYS[1], KEYS[2]
local name, before, revision, definition, due, paused, declaredAt, dueBefore = unpack(ARGV)
local stored, itsDefinition, itsPaused, itsDue = unpack(redis.call('HMGET', schedule, 'revision', 'definition', 'paused', 'due'))
if stored == revision then return 1 end
if declaredAt ~= '' and itsDefinition == definition and itsPaused == paused then
  redis.call('HSET', schedule, 'declaredAt', declaredAt) -- many workers start at once, and nothing is new
  return 1
end
if (stored or '') ~= before or (stored and itsDue ~= dueBefore) then return 0 end
redis.call('HSET', schedule, 'definition', definition, 'revision', revision, 'due', due, 'paused', paused)
if declaredAt ~= '' then redis.call('HSET', schedule, 'declaredAt', declaredAt) end
redis.call('ZADD', schedules, due, name)
return 1
