-- add-child: a job that has not ended -> one that knows another job, which waits for it
-- KEYS  1 record of this job (hash)
-- ARGV  1 the other job, as a JSON string
-- Returns {status} if this job has not ended, and the other one is noted; {status, result, last failure} if it has ended; {''} if there
--         is no record
local record, child = KEYS[1], ARGV[1]
local status, children, result, failures = unpack(redis.call('HMGET', record, 'status', 'children', 'result', 'failures'))
if not status then return {''} end
if hasEnded(status) then
  local failure = failures and redis.call('HGET', record, 'failure:' .. (failures - 1) % 20)
  return {status, result or '', failure or ''}
end
if not children or not string.find(children, child, 1, true) then
  redis.call('HSET', record, 'children', (children and children .. ',' or '') .. child)
  local terms = redis.call('HGET', record, 'terms') or ''
  if string.byte(terms) ~= 43 then redis.call('HSET', record, 'terms', '+' .. string.match(terms, '^%*?(.*)$')) end
end
return {status}
