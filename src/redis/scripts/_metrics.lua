-- Counts of what workers do, see docs/protocol.md. scripts.ts reads this file behind _lib.lua.

-- Adds to a count of the queue: of all time, of this minute, and of this hour. KEYS from `first` on: the three hashes. `tally.ts` names
-- the counts. Those of a minute are kept for 25 hours, those of an hour for 32 days.
local function addCount(first, name, by)
  if by <= 0 then return end
  local total, minute, hour = unpack(KEYS, first, first + 2)
  redis.call('HINCRBY', total, name, by)
  if redis.call('HINCRBY', minute, name, by) == by then redis.call('PEXPIRE', minute, 90000000) end
  if redis.call('HINCRBY', hour, name, by) == by then redis.call('PEXPIRE', hour, 2764800000) end
end

-- Adds what a worker has counted since it joined, such as 'handled 12 run 340', less what it had sent before. So it may be sent twice, and
-- an older text that arrives late adds nothing: no count of it is higher.
local function addCounted(first, claims, text)
  if text == '' then return end
  local before, isNewer = {}, false
  for name, value in string.gmatch(redis.call('HGET', claims, 'counted') or '', '(%w+) (%d+)') do before[name] = tonumber(value) end
  for name, value in string.gmatch(text, '(%w+) (%d+)') do
    local by = value - (before[name] or 0)
    if by > 0 then isNewer = true end
    addCount(first, name, by)
  end
  if isNewer then redis.call('HSET', claims, 'counted', text) end
end
