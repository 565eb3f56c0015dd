-- ends: reads how jobs have ended
-- KEYS  1.. the record of each job (hash)
-- Returns for each: its status, '' if there is no record; its result if it is done, else ''
local reply = {}
for at, record in ipairs(KEYS) do
  local status, result = unpack(redis.call('HMGET', record, 'status', 'result'))
  reply[2 * at - 1] = status or ''
  reply[2 * at] = status == 'done' and result or ''
end
return reply
